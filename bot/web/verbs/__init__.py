"""What may be asked of an incident, one class per verb: the API's bodies and the pages' forms are the same words."""

from __future__ import annotations

from bot.web.verbs._asking import Asking
from bot.web.verbs.affected import CountWanted
from bot.web.verbs.change import (
    Alone,
    Approve,
    Decline,
    GoAhead,
    Hold,
    Override,
    Propose,
    Release,
    Review,
    Settle,
    Undo,
)
from bot.web.verbs.group import MergeIt, PromoteIt, SplitIt
from bot.web.verbs.learn import (
    AddFollowUp,
    AddWhy,
    Correct,
    Finding,
    FinishFollowUp,
    ImpactGiven,
    MoveFollowUp,
    Revise,
    Root,
    Runbook,
    StepAnswer,
    Strike,
)
from bot.web.verbs.life import (
    AcknowledgeIt,
    AssignPart,
    CloseIt,
    Declaring,
    PageSomebody,
    ReopenIt,
    ResolveIt,
    RoomWanted,
    SetSeverity,
    UpdateText,
)
from bot.web.verbs.said import NoteIt, SnoozeIt, TakeBackIt
from bot.web.verbs.status import (
    ApproveIt,
    AskForIt,
    CorrectIt,
    DraftIt,
    PublishIt,
    ReturnIt,
    WithdrawIt,
)
from bot.web.verbs.tell import (
    ApproveNoticeText,
    AskApproval,
    AssignDutyTo,
    Changes,
    DecideDutyAnswer,
    Disclose,
    DropIt,
    FactGiven,
    FileIt,
    NoticeWanted,
)
from bot.web.verbs.write import Enter, Privileged, Remark, RewordIt, SettleRemark, Waived

__all__ = ["DONE", "VERBS", "Asking", "Declaring"]

VERBS: dict[str, type[Asking]] = {
    each.verb: each
    for each in (
        AcknowledgeIt,
        UpdateText,
        NoteIt,
        TakeBackIt,
        SnoozeIt,
        Finding,
        StepAnswer,
        Runbook,
        Propose,
        Approve,
        Decline,
        Alone,
        Review,
        GoAhead,
        Hold,
        Release,
        Override,
        Undo,
        Settle,
        ImpactGiven,
        CountWanted,
        FactGiven,
        AddWhy,
        Root,
        Revise,
        Strike,
        AddFollowUp,
        MoveFollowUp,
        FinishFollowUp,
        NoticeWanted,
        AskApproval,
        ApproveNoticeText,
        Changes,
        FileIt,
        DropIt,
        Enter,
        RewordIt,
        Remark,
        SettleRemark,
        Privileged,
        Waived,
        DecideDutyAnswer,
        AssignDutyTo,
        Disclose,
        DraftIt,
        CorrectIt,
        AskForIt,
        ApproveIt,
        ReturnIt,
        PublishIt,
        WithdrawIt,
        SetSeverity,
        AssignPart,
        PageSomebody,
        ResolveIt,
        ReopenIt,
        CloseIt,
        RoomWanted,
        MergeIt,
        SplitIt,
        PromoteIt,
        Correct,
    )
}

DONE: dict[str, str] = {verb: each.done for verb, each in VERBS.items()}
"""What a page says once that verb was carried out."""
