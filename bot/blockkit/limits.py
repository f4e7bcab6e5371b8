"""How much fits into a Slack message, modal or Home tab: the numbers every view must keep.

Source: Slack's public Block Kit reference (docs.slack.dev/reference/block-kit and /reference/views), November 2026;
numbers that Slack does not publish name their own source.
"""

from typing import Final

# surfaces
MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100  # modal and Home tab
VIEW_BYTES: Final = 250_000
VIEW_STACK: Final = 3

# Slack answers `msg_blocks_too_long` although each block is legal: 12,000 characters of text plus what the containers
# cost; measured by users at 13,297 with one markdown block, less with more blocks (slackapi/bolt-js issues 2509, 2867).
MESSAGE_WEIGHT: Final = 13_200
ELEMENT_WEIGHT: Final = 40  # our estimate of what one block or element costs besides its text; errs on the safe side

MESSAGE_TEXT: Final = 40_000  # truncated beyond
UPDATE_TEXT: Final = 4_000  # chat.update refuses beyond, with msg_too_long
METADATA_BYTES: Final = 8_000  # `metadata_too_large` is documented without a number; ours stay below 1 kB

# identifiers
BLOCK_ID: Final = 255
ACTION_ID: Final = 255
CALLBACK_ID: Final = 255
EXTERNAL_ID: Final = 255
PRIVATE_METADATA: Final = 3_000
VALUE: Final = 2_000
URL: Final = 3_000

# blocks
HEADER: Final = 150
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
FIELD_TEXT: Final = 2_000
CONTEXT_ELEMENTS: Final = 10
CONTEXT_TEXT: Final = 3_000
ACTIONS_ELEMENTS: Final = 25
IMAGE_ALT: Final = 2_000
IMAGE_TITLE: Final = 2_000
LABEL: Final = 2_000
HINT: Final = 2_000
MARKDOWN: Final = 12_000  # in total per message
ALERT: Final = 200
CONTAINER_TITLE: Final = 150
CONTAINER_BLOCKS: Final = 10
TABLE_ROWS: Final = 100
TABLE_COLUMNS: Final = 20
TABLES: Final = 1
CHARTS: Final = 2
CHART_TITLE: Final = 50
CHART_SERIES: Final = 6  # line charts; one library allows 12 for others, the smaller number is kept
CHART_CATEGORIES: Final = 20
CHART_LABEL: Final = 20
CHART_SEGMENTS: Final = 12
CARD_TITLE: Final = 150
CARD_BODY: Final = 200
CARD_ACTIONS: Final = 3
CAROUSEL: Final = 10
CONTEXT_ACTIONS: Final = 5
DATA_TABLE: Final = 20_000  # characters of all cells
DATA_TABLE_ROWS: Final = 201  # the head counts
TASKS: Final = 50
VIDEO_TITLE: Final = 200
VIDEO_NAME: Final = 50
VIDEO_LINK: Final = 2_000
LIST_INDENT: Final = 8

# elements and composition objects
BUTTON_TEXT: Final = 75
ACCESSIBILITY_LABEL: Final = 75
OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OVERFLOW_OPTIONS: Final = 5
CHOICE_OPTIONS: Final = 10  # radio buttons and checkboxes
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
PLACEHOLDER: Final = 150
INPUT_TEXT: Final = 3_000
FILES: Final = 10
VISIBLE_TO: Final = 10
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30

# views
VIEW_TITLE: Final = 24
VIEW_BUTTON: Final = 24
