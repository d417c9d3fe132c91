//! Codes of the facade.

osmia_diag::codes! {
    CTX_SYNTAX = "ctx-syntax", "a description is not TOML or JSON";
    CTX_NAME = "ctx-name", "a description names something there is not";
    CTX_VALUE = "ctx-value", "a description has a value that cannot be there";
    CTX_TYPES = "ctx-types", "a description needs types of a kernel";
    KERNEL_TYPES = "kernel-types", "the kernel's types are those that are shipped";
    FILE = "file-io", "a file could not be opened, read or written";
    BTF_WORDS = "btf-words", "the words of a BTF command are not understood";
    NOUN_HOST = "noun-host", "it is not clear on which host to look";
    NOUN_WORDS = "noun-words", "the words of a command on live objects are not understood";
    NOUN_UNKNOWN = "noun-unknown", "the host has no such object";
    NOUN_KIND = "noun-kind", "what is pinned there is of another kind";
    NOUN_PRIVILEGE = "noun-privilege", "the host does not let this process look";
    NOUN_REFUSED = "noun-refused", "the host does not do what was asked of an object";
    EMBED_NAME = "embed-name", "a module has nothing of that name";
    EMBED_TYPE = "embed-type", "a type of the application does not fit what it is to stand for";
    EMBED_MAP = "embed-map", "a map or a variable does not take a change";
    EMBED_HELPER = "embed-helper", "a helper of the application cannot be offered";
    EMBED_WORKER = "embed-worker", "there is no such worker";
    ATTACH_PLACE = "attach-place", "it is not clear where to attach a program";
    RUN_MAP_READ = "run-map-read", "a map could not be read after the run";
    RUN_CHECKED = "run-checked", "the program runs checked, not verified";
    RUN_INTERPRETED = "run-interpreted", "the compiler does not take a program: it is interpreted";
    RUN_NATIVE = "run-native", "the program was verified and runs as machine code";
    RUN_KERNEL = "run-kernel", "the program runs in the running kernel";
    RUN_HOOK = "run-hook", "a program listens where nothing can be heard";
    INSPECT_MACHINE = "inspect-machine", "a kind of machine was named for what is the same on all";
    RUN_HOST = "run-host", "a flag has no meaning on the host that was chosen";
    RUN_ENGINES = "run-engines", "machine code and the interpreter came to different ends";
    RUN_ENDIAN = "run-endian", "a program of the other byte order cannot run here";
    RUN_MAP = "run-map", "a map is made otherwise than its definition says";
    RUN_RECORD = "run-record", "the type given to a map's records cannot be used";
    RUN_PROGRAM = "run-program", "it is not clear which program to run";
    RUN_INPUT = "run-input", "the program is not given the input its type needs";
}
