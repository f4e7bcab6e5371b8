"""The console's pages, one file each; all are readings of the log, and every form goes to the same desk."""

from fastapi import APIRouter

from bot.web.pages import (
    affected,
    alerts,
    api,
    change,
    downloads,
    forms,
    impact,
    incident,
    login,
    notice,
    oncall,
    overview,
    postmortem,
    queue,
    slos,
)

pages = APIRouter(include_in_schema=False)
# forms come last: their address takes any verb
for _page in (
    login,
    overview,
    slos,
    alerts,
    oncall,
    queue,
    notice,
    impact,
    downloads,
    affected,
    postmortem,
    change,
    api,
    incident,
    forms,
):
    pages.include_router(_page.router)
