//! Codes of the compiler.

osmia_diag::codes! {
    UNSUPPORTED = "jit-unsupported", "a program uses something that has no native form yet";
    MEMORY = "jit-memory", "there is no executable memory to be had";
}
