//! Codes of the Linux host.

osmia_diag::codes! {
    KERNEL = "linux-kernel", "the running kernel does not show what programs have to be linked for";
    PRIVILEGE = "linux-privilege", "the kernel does not let this process do what it asks";
    MAP = "linux-map", "the kernel does not make or fill a map";
    TYPES = "linux-types", "the kernel does not take the types of a program or a map";
    REJECTED = "linux-rejected", "the kernel's verifier rejects a program";
    ATTACH = "linux-attach", "the kernel does not attach a program";
    TEST_RUN = "linux-test-run", "the kernel does not run a program on this input";
}
