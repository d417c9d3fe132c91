//! Stable codes of the diagnostics about instructions.

osmia_diag::codes! {
    SYNTAX = "isa-syntax", "the assembler cannot read this line";
    OPERAND = "isa-operand", "an operand is not possible in this instruction";
    RANGE = "isa-range", "a number does not fit the field it is written to";
    NAME = "isa-name", "a label, helper, kernel function or map of this name is not known";
    LABEL = "isa-label", "a label is defined twice";
    POSITION = "isa-position", "a line's own slot number or opcode byte is not where or what it is";
    LIMIT = "isa-limit", "a text or program is larger than a limit";
    ENCODING = "isa-encoding", "eight bytes are not an instruction";
    LAYOUT = "isa-layout", "instructions do not form a program";
    CLASSIC = "isa-classic", "a classic BPF program breaks a rule that Linux checks";
    CLASSIC_UNSUPPORTED = "isa-classic-unsupported", "a classic BPF program uses what eBPF has no equivalent of";
}
