"""Words that want to be more than words: markup, templates, mentions, formulas, and letters that turn others around."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

MANY = 500
RUN = "window.ran=(window.ran||0)+1"
"""What each of them would like to do; a page in which it happened says so."""

MARKUP = (
    "<script>{run}</script>", "<ScRiPt>{run}</sCrIpT>", "<script src=data:text/javascript,{run}></script>",
    "</script><script>{run}</script>", "<img src=x onerror={run}>", "<img src=x onerror='{run}'//", "<svg onload={run}>",
    "<svg><script>{run}</script></svg>", "<svg><animate onbegin={run} attributeName=x dur=1s>", "<body onload={run}>",
    "<details open ontoggle={run}>x", "<input autofocus onfocus={run}>", "<video><source onerror={run}></video>",
    "<iframe srcdoc='<script>parent.{run}</script>'>", "<iframe src=javascript:{run}>", "<object data=javascript:{run}>",
    "<embed src=javascript:{run}>", "<form action=javascript:{run}><button>x", "<a href=javascript:{run}>x</a>",
    "<math><mtext><script>{run}</script></mtext></math>", "<base href=//evil.example/>", "<meta http-equiv=refresh content=0>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<style>*{{display:none}}</style>", "<template><script>{run}</script>",
    "<noscript><p title='</noscript><script>{run}</script>'>", "<!--><script>{run}</script>-->", "<![CDATA[<script>{run}</script>]]>",
    "<textarea></textarea><script>{run}</script>", "</textarea><img src=x onerror={run}>", "</title><script>{run}</script>",
    "</select><svg onload={run}>", "<x onclick={run} style=position:fixed;inset:0>x", "<dialog open><h1>x</h1></dialog>",
)  # fmt: skip
BREAKOUTS = ('" onmouseover="{run}" x="', "' autofocus onfocus='{run}", '"><script>{run}</script>', "'><svg onload={run}>",
             "`-{run}-`", "';{run};//", '";{run};//', "\\';{run};//", "*/{run}/*", "x\r\nSet-Cookie: a=b\r\n\r\n<script>{run}</script>",
             "%3Cscript%3E{run}%3C/script%3E", "&lt;script&gt;{run}&lt;/script&gt;", "&#60;script&#62;{run}", "\\u003cscript\\u003e{run}")  # fmt: skip
TEMPLATES = ("{{{{ 7*7 }}}}", "{{% for x in range(10**9) %}}", "${{7*7}}", "#{{7*7}}", "<%= 7*7 %>", "{{{{ config }}}}",
             "{{{{ ''.__class__.__mro__ }}}}", "%(name)s", "%s%n", "{{0.__class__}}", "$(reboot)", "`reboot`", "; DROP TABLE incidents;--",
             "' OR '1'='1", "../../etc/passwd", "[[ not yet investigated: x ]]", "{{#--- title ---#}}")  # fmt: skip
CHAT = ("<!channel>", "<!here|x>", "<@U0ANA>", "<#C1|general>", "<https://evil.example|the runbook>", "<mailto:a@b|x>", "*bold* _it_ ~s~ `c`",
        "```\ncode", "> quote", "[x](javascript:{run})", "![x](https://evil.example/x.png)", "[x]: javascript:{run}", "# heading\n\n| a | b |\n|--|--|",
        "<javascript:{run}>", "&lt;!channel&gt;", ":rotating_light:", "||hidden||")  # fmt: skip
ADDRESSES = ("javascript:{run}", "JaVaScRiPt:{run}", "java\tscript:{run}", "  javascript:{run}", "data:text/html,<script>{run}</script>",
             "vbscript:{run}", "//evil.example/x", "http://[::1", "https://a:b@evil.example/", "file:///etc/passwd", "blob:null/x")  # fmt: skip
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://evil.example","x")', "=cmd|' /C calc'!A0", "\t=1+1", "\r=1+1", '"=1+1', "＝1+1")  # fmt: skip
FLAG = "🇩🇪"
"""Two letters; none is cut in half: Chromium breaks no line of flags that ends in half of one, whatever a style says."""
LETTERS = ("\u202ereversed", "\u2066a\u2069\u202eb", "\u200b\u200b\u200b", "\ufeffx", "a\u0301" * 60, "Z\u0351\u036b\u0343" * 30, "\u00ad" * 40, "x" * 900,
           "W" * 199, "👩\u200d👩\u200d👧" * 30, FLAG * 60, "\u3000" * 30, "ﷺ" * 40, "𒐫" * 40, "\u0001\u0002\u0007\u001b[31mred\u001b[0m", "\u0085\u2028\u2029x",
           "\x7f\x80\x9f", "\uffff\ufffe", "a\nb\r\nc\td", " ", "-" * 300, "/" * 300, "." * 300, "\\" * 120, "'" * 120, '"' * 120, "&" * 120, "<" * 120, ">" * 120)  # fmt: skip
KINDS = (MARKUP, BREAKOUTS, TEMPLATES, CHAT, ADDRESSES, FORMULAS, LETTERS)


def _all(seed: int) -> Iterator[str]:
    """Each by itself first, then two of them together without end."""
    plain = [each.format(run=RUN) if "{" in each else each for each in itertools.chain(*KINDS)]
    yield from plain
    chance = random.Random(seed)
    while True:
        one, other = chance.sample(plain, 2)
        place = chance.randrange(len(one) + 1)
        place -= place % len(FLAG) if one.startswith(FLAG) else 0
        yield chance.choice(
            (f"{one}{other}", f"{one[:place]}{other}{one[place:]}", f"{one}\u200b{other}", f"{one} {other}")
        )


def hostile(many: int = MANY, seed: int = 8) -> list[str]:
    """So many different ones, the same for the same seed; none holds what no text here may hold."""
    found: dict[str, None] = {}
    for each in _all(seed):
        found.setdefault(each[:1_000])
        if len(found) == many:
            return list(found)
    raise AssertionError("it never ends")
