"""The console's pages, one file each; all are readings of the log, and every form goes to the same desk."""

from fastapi import APIRouter

from bot.web.pages import (
    affected,
    alerts,
    analytics,
    api,
    audit,
    change,
    downloads,
    forms,
    impact,
    incident,
    incidents,
    login,
    me,
    notice,
    oncall,
    overview,
    people,
    postmortem,
    queue,
    services,
    settings,
    slos,
)

pages = APIRouter(include_in_schema=False)
# forms come last: their address takes any verb
for _page in (
    login,
    me,
    people,
    overview,
    incidents,
    analytics,
    slos,
    services,
    audit,
    settings,
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
