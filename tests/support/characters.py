"""Characters that command whoever shows a text, and texts that look as if they did and do not."""

COMMANDS = (
    *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)),
    "\u061c", "\u200e", "\u200f", *map(chr, range(0x2028, 0x202F)), *map(chr, range(0x2066, 0x206A)),
    "\ud800", "\udfff", "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001ffff", "\U0010fffe",
)  # fmt: skip

HARMLESS = (
    "Sales line", "Étage 2, Köln", "продажи", "販売", "مبيعات", "\u0915\u094d\u200d\u0937", "a\u200cb",
    "\u2764\ufe0f\u200d\U0001f525", "50 % & <b>", "soft\u00adhyphen", "non\u00a0breaking",
)  # fmt: skip
