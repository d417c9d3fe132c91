//! The stable codes of what this crate tells people.

osmia_diag::codes! {
    ELF_EMPTY = "elf-empty", "the file has no bytes";
    ELF_NOT_ELF = "elf-not-elf", "the file is not an ELF object";
    ELF_MACHINE = "elf-machine", "the ELF file is for another machine, of another class or not relocatable";
    ELF_MALFORMED = "elf-malformed", "the ELF headers and tables contradict the file or each other";
    ELF_SECTION = "elf-section", "a section cannot be read";
    ELF_OVERLAP = "elf-overlap", "two sections share bytes of the file";
    ELF_SYMBOL = "elf-symbol", "a symbol lies outside its section";
    ELF_RELOCATION = "elf-relocation", "a relocation is out of range";
    OBJECT_LIMIT = "object-limit", "the file is larger than a named limit allows";
    OBJECT_BTF = "object-btf", "the types of the object are damaged";
    OBJECT_MAP = "object-map", "a map definition makes no sense";
    OBJECT_FUNCTION = "object-function", "a function is not made of whole instructions or overlaps another";
    OBJECT_GUESS = "object-guess", "the program type was guessed from a section name that nobody defines";
    OBJECT_EXTERN = "object-extern", "an extern is of a kind that nothing can fill in";
    OBJECT_NOTE = "object-note", "something in the object is not used as its author may expect";
    OBJECT_MERGE = "object-merge", "several objects cannot be linked into one";
    LINK_TYPE = "link-type", "nobody said what type a program has";
    LINK_SETTING = "link-setting", "a setting names something the object does not have or cannot hold";
    LINK_EXTERN = "link-extern", "an extern has no value on this target";
    LINK_RELOCATION = "link-relocation", "a relocation refers to something that cannot be referred to";
    LINK_LAYOUT = "link-layout", "the linked program is not a program";
    LINK_LIMIT = "link-limit", "linking would produce more than a named limit allows";
}
