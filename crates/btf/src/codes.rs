//! The stable codes of what this crate tells people.

osmia_diag::codes! {
    NOT_BTF = "btf-not-btf", "the bytes do not begin with BTF's magic number or have another version";
    TRUNCATED = "btf-truncated", "BTF ends before its own headers and records say it does";
    HEADER = "btf-header", "the BTF header describes sections that cannot be";
    STRINGS = "btf-strings", "the string section is malformed or a string offset is outside it";
    RECORD = "btf-record", "a type record has a value that no type can have";
    REFERENCE = "btf-reference", "a type refers to a type that does not exist or is of the wrong kind";
    CYCLE = "btf-cycle", "a type contains itself";
    LIMIT = "btf-limit", "the BTF is larger or deeper than a named limit allows";
    EXT = "btf-ext", "a .BTF.ext section is malformed";
    VALUE = "btf-value", "text cannot be turned into a value of this type";
    PATH = "btf-path", "a path names a member or element that the type does not have";
    CORE_RECORD = "core-record", "a CO-RE relocation record is malformed";
    CORE_AMBIGUOUS = "core-ambiguous", "candidate types of the target give different answers to a CO-RE relocation";
    CORE_POISONED = "core-poisoned", "a CO-RE relocation has no answer in the target, so its instruction may never run";
    CORE_INSN = "core-insn", "the instruction of a CO-RE relocation cannot take its value";
}
