//! Codes of the verifier.

osmia_diag::codes! {
    REJECTED = "verify-rejected", "the verifier found something the program may not do";
    UNSUPPORTED = "verify-unsupported", "the verifier does not know something the program uses yet";
}
