"""The validator takes what Slack takes and names the place and rule of everything else."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.blockkit import blocks as b
from bot.blockkit.validate import validate_message, validate_view

OPTIONS = [b.option("Yes", "y", description="sure"), b.option("No", "n")]
GOOD = [
    b.header("INC-1"),
    b.section("*x*", accessory=b.button("Go", "go", value="1", style="primary", confirm=b.confirm("Sure?", "Really"))),
    b.fields({"State": "open", "Lead": "none"}),
    b.context("small", b.image_element("https://x.example/a.png", "a")),
    b.divider(),
    b.actions(
        b.button("Go", "a1"), b.overflow("a2", [b.option("One", "1")]), b.static_select("a3", OPTIONS, initial="y"),
        b.users_select("a4"), b.radio_buttons("a5", OPTIONS, initial="n"), b.checkboxes("a6", OPTIONS, initial=["y"]),
        b.datetimepicker("a7"), b.external_select("a8"),
    ),
    b.image("https://x.example/a.png", "a chart", title="PSI"),
    b.rich_text(b.rich_section("a", b.run("b", bold=True)), b.bullets(["x"], indent=8), b.preformatted("+ 1"), b.quote("q")),
    b.markdown("**x**"),
    b.table([["a", "b"], ["1", "2"]]),
    b.chart("PSI", ["1", "2"], {"psi": [0.1, 0.2]}, x="window"),
    b.container("Details", [b.section("inside")]),
    b.input_block("Why", b.plain_text_input("t"), block_id="why"),
]  # fmt: skip
MODAL = b.modal("Approve", [b.input_block("Why", b.plain_text_input("t", multiline=True, max_length=3000), block_id="w"),
                            b.alert("careful")], callback_id="m", submit="Send", private_metadata="x")  # fmt: skip
HOME = b.home([b.section("nothing waits"), b.divider()])


def test_everything_we_build_is_taken():
    """One of each block and element, a modal and a Home tab: no fault."""
    assert validate_message(GOOD, "text") == []
    assert validate_view(MODAL) == []
    assert validate_view(HOME) == []


def test_the_sdk_agrees_on_classic_blocks():
    """slack_sdk's own models read our blocks and find them valid (peer: slack_sdk.models)."""
    for block in GOOD:
        if block["type"] not in {"data_visualization", "table", "container", "rich_text"}:
            Block.parse(copy.deepcopy(block)).validate_json()


def changed(block, **more):
    return {**copy.deepcopy(block), **more}


CELL = {"type": "raw_text", "text": "x"}
LONG = {"type": "raw_text", "text": "x" * 2_600}
TASK = {"task_id": "1", "title": "t", "status": "pending"}
FOCUS = changed(b.users_select("a"), focus_on_load=True)
TWICE = changed(b.chart("t", ["1"], {"x": [1.0]}))
TWICE["chart"]["series"] *= 2
SKEW = changed(b.chart("t", ["1"], {"x": [1.0]}))
SKEW["chart"]["series"][0]["data"][0]["label"] = "2"
many = [b.option(str(n), str(n)) for n in range(101)]
BAD = [
    ([b.divider()] * 51, "/blocks", "max_items"),
    ([b.section()], "/blocks/0", "any_of"),
    ([b.section("x" * 3001)], "/blocks/0/text/text", "max_length"),
    ([b.section("")], "/blocks/0/text/text", "min_length"),
    ([b.section(fields=["x"] * 11)], "/blocks/0/fields", "max_items"),
    ([b.section(fields=["x" * 2001])], "/blocks/0/fields/0/text", "max_length"),
    ([b.header("x" * 151)], "/blocks/0/text/text", "max_length"),
    ([{"type": "header", "text": b.mrkdwn("x")}], "/blocks/0/text/type", "enum"),
    ([b.context(*["x"] * 11)], "/blocks/0/elements", "max_items"),
    ([b.actions(*[b.button("x", str(n)) for n in range(26)])], "/blocks/0/elements", "max_items"),
    ([b.actions()], "/blocks/0/elements", "min_items"),
    ([b.actions(b.button("x" * 76, "a"))], "/blocks/0/elements/0/text/text", "max_length"),
    ([b.actions(b.button("x", "a", value="x" * 2001))], "/blocks/0/elements/0/value", "max_length"),
    ([b.actions(b.button("x", "a" * 256))], "/blocks/0/elements/0/action_id", "max_length"),
    ([b.actions(b.button("x", "a", url="javascript:1"))], "/blocks/0/elements/0/url", "format"),
    ([b.actions(changed(b.button("x", "a"), style="green"))], "/blocks/0/elements/0/style", "enum"),
    ([b.actions(b.button("x", "a"), b.button("y", "a"))], "/blocks/0/elements/1/action_id", "unique"),
    ([b.actions(b.overflow("a", many[:6]))], "/blocks/0/elements/0/options", "max_items"),
    ([b.actions(b.overflow("a", [many[0], many[0]]))], "/blocks/0/elements/0/options/1/value", "unique"),
    ([b.actions(b.static_select("a", many))], "/blocks/0/elements/0/options", "max_items"),
    ([b.actions(changed(b.static_select("a", OPTIONS), initial_option=many[0]))], "/blocks/0/elements/0", "initial_option"),
    ([b.actions(b.radio_buttons("a", many[:11]))], "/blocks/0/elements/0/options", "max_items"),
    ([b.actions(b.button("x", "a", confirm=b.confirm("t" * 101, "x")))], "/blocks/0/elements/0/confirm/title/text", "max_length"),
    ([b.actions(b.plain_text_input("a"))], "/blocks/0/elements/0/type", "enum"),
    ([b.divider(block_id="x"), b.divider(block_id="x")], "/blocks/1/block_id", "unique"),
    ([b.divider(block_id="x" * 256)], "/blocks/0/block_id", "max_length"),
    ([{"type": "sparkle"}], "/blocks/0/type", "enum"),
    ([changed(b.divider(), colour="red")], "/blocks/0/colour", "additional_properties"),
    (["words"], "/blocks/0", "type"),
    ("words", "/blocks", "type"),
    ([b.alert("x")], "/blocks/0/type", "surface"),
    ([b.markdown("x" * 12_001)], "/blocks/0/text", "max_length"),
    ([b.markdown("x" * 7000), b.markdown("x" * 7000)], "/blocks", "max_length"),
    ([b.section("x" * 2900) for _ in range(5)], "/blocks", "max_message"),
    ([b.table([["a"]]), b.table([["b"]])], "/blocks", "max_items"),
    ([b.chart("t", ["1"], {"x": [float("nan")]})], "/blocks/0/chart/series/0/data/0/value", "type"),
    ([b.chart("t", [str(n) for n in range(21)], {"x": [1.0] * 21})], "/blocks/0/chart/axis_config/categories", "max_items"),
    ([b.rich_text(b.bullets(["x"], indent=9))], "/blocks/0/elements/0/indent", "range"),
    ([b.container("t", [b.divider()] * 11)], "/blocks/0/child_blocks", "max_items"),
    ([b.container("t", [b.container("t", [b.divider()])])], "/blocks/0/child_blocks/0/type", "enum"),
    ([b.image("ftp://x", "a")], "/blocks/0/image_url", "format"),
    ([{"type": "image", "alt_text": "a"}], "/blocks/0", "one_of"),
    ([{"type": "image", "alt_text": "", "image_url": "https://x.example"}], "/blocks/0/alt_text", "min_length"),
    ([{"type": "image", "alt_text": "a", "slack_file": {"id": "F1", "url": "https://x.example"}}], "/blocks/0/slack_file", "one_of"),
    ([{"type": "image", "alt_text": "a", "slack_file": {}}], "/blocks/0/slack_file", "one_of"),
    ([changed(b.container("t", [b.divider()]), is_collapsible=False)], "/blocks/0/default_collapsed", "is_collapsible"),
    ([changed(b.container("t", [b.divider()]), has_header_divider=True)], "/blocks/0/has_header_divider", "is_collapsible"),
    ([b.container("t", [b.markdown("x")])], "/blocks/0/child_blocks/0/type", "enum"),
    ([b.chart("t", ["1"], {"x": [1.0]}), *[b.chart("t", ["1"], {"x": [1.0]})] * 2], "/blocks", "max_items"),
    ([TWICE], "/blocks/0/chart/series/1/name", "unique"),
    ([SKEW], "/blocks/0/chart/series/0/data", "labels"),
    ([{"type": "data_table", "caption": "c", "rows": [[CELL], [CELL, CELL]]}], "/blocks/0/rows", "columns"),
    ([{"type": "data_table", "caption": "c", "rows": [[LONG] * 4, [LONG] * 4]}], "/blocks/0/rows", "max_length"),
    ([{"type": "plan", "title": "t", "tasks": [TASK, TASK]}], "/blocks/0/tasks/1/task_id", "unique"),
    ([{"type": "task_card", **TASK}], "/blocks/0/status", "enum"),
    ([b.actions(FOCUS, changed(FOCUS, action_id="b"))], "/blocks", "max_items"),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "pointer", "rule"), BAD)
def test_bad_messages_are_named(blocks, pointer, rule):
    """Each fault names its place and its rule, as Slack's blocks.validate does."""
    found = [(fault.pointer, fault.constraint["type"]) for fault in validate_message(blocks)]
    assert (pointer, rule) in found


BAD_VIEWS = [
    (changed(MODAL, title=b.plain("x" * 25)), "/title/text", "max_length"),
    (changed(MODAL, submit=b.plain("x" * 25)), "/submit/text", "max_length"),
    ({k: v for k, v in MODAL.items() if k != "submit"}, "/submit", "required"),
    ({k: v for k, v in MODAL.items() if k != "title"}, "", "required"),
    (changed(MODAL, private_metadata="x" * 3001), "/private_metadata", "max_length"),
    (changed(MODAL, blocks=[b.divider()] * 101), "/blocks", "max_items"),
    (changed(MODAL, colour="red"), "/colour", "additional_properties"),
    (changed(MODAL, blocks=[b.markdown("x")]), "/blocks/0/type", "surface"),
    (b.home([b.alert("x")]), "/blocks/0/type", "surface"),
    (changed(HOME, title=b.plain("x")), "/title", "additional_properties"),
    (b.modal("t", [b.section("x" * 3000) for _ in range(90)], callback_id="m"), "", "max_bytes"),
    ({"type": "popup"}, "/type", "enum"),
    ([], "", "type"),
]


@pytest.mark.parametrize(("view", "pointer", "rule"), BAD_VIEWS)
def test_bad_views_are_named(view, pointer, rule):
    """The same for modals and Home tabs."""
    assert (pointer, rule) in [(fault.pointer, fault.constraint["type"]) for fault in validate_view(view)]


def test_a_fault_reads_like_slacks():
    """As a line of response_metadata.messages and as an entry of errors."""
    [fault] = validate_message([b.header("x" * 151)])
    assert str(fault) == "[ERROR] must be at most 150 characters [json-pointer:/blocks/0/text/text]"
    assert fault.as_json()["constraint"] == {"type": "max_length", "expected": 150, "got": 151}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["section", "modal", "input"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "text", "blocks", "elements", "element", "options", "rows", "child_blocks", "block_id", "chart", "x"]), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=150)
@given(JUNK)
def test_junk_is_answered_never_raised(junk):
    """Whatever arrives, the answer is a list of faults."""
    assert isinstance(validate_message(junk, None), list)
    assert isinstance(validate_message([junk], None), list)
    assert isinstance(validate_view(junk), list)
    assert isinstance(validate_view({"type": "modal", "blocks": [junk]}), list)
