"""The looks that plots, the report and the app share."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito (2008): colour-blind readers can distinguish them too; lines also differ in their dashes."""

GREY = "#777777"

TEXT, MUTED = "#333333", "#595959"
"""Of letters on white: 12.6 and 7.0 to 1, where WCAG's level AA asks for 4.5."""

HEAT = "Blues"
"""One hue from light to dark: it reads the same in grey."""

BANDS = {"high": "#D55E00", "medium": "#E69F00", "low": "#0072B2", "lapsed": "#777777", "unknown": "#BBBBBB"}
"""A colour for each risk band, the most urgent first."""
