//! Codes of traced processes.

osmia_diag::codes! {
    COMMAND = "trace-command", "the command to trace cannot be started";
    MACHINE = "trace-machine", "commands are not traced on machines of this kind";
    REFUSED = "trace-refused", "the kernel does not let this process trace";
}
