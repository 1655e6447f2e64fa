"""The same flow as two frameworks' documentation would write it: one document per consumer, none of the promises."""
