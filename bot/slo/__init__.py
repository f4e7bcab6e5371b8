"""How the bot knows that a service is failing: objectives, exact counts, error budgets, evidence and episodes.

What is promised: `spec` (an objective), `measure` (what it counts), `selector`, `calendar`, `notation`.
What is counted: `batch` (an answer of a source) → `counters` (samples to increases) → `intake` (what may be believed) →
`grid` (totals of all objectives on one time axis), with `accounts`, `slicing` (time slices, composites) and `keeping`
(a restart) beside it; `ledger` is the door to all of it.
What follows: `streams` and `detector` (evidence) and `budget` feed `rule`, which decides for all objectives at once
(`panel`) and for one in words (`burn`); `recovery` says when it is over, `episode` what is news.
Beyond one objective: `slices` (a group against the rest), `fairness`, `canary`, with `interval` and `detectable`.
What must be said beside a verdict: `maintenance` (what is excused), `labels` (how much could be judged yet).
What models eat: `drift` on values, `binned` on `histogram`s (`bins`, `distinct`) of any size.
"""
