//! Codes of the verifier.

osmia_diag::codes! {
    REJECTED = "verify-rejected", "the verifier found something the program may not do";
    TARGET_PROGRAM = "verify-target-program", "the target's release has no such programs";
    TARGET_MAP = "verify-target-map", "the target's release has no such maps";
    TARGET_CALL = "verify-target-call", "the target's release has no such helper or kernel function";
    TARGET_INSTRUCTION = "verify-target-instruction", "the target's release has no such instruction";
    UNSUPPORTED = "verify-unsupported", "the verifier does not know something the program uses yet";
}
