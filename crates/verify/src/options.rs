//! How to verify.

/// Privileges and switches of a verification.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses may be stored where others can read them (`CAP_PERFMON`).
    pub leak_pointers: bool,
    /// Stack bytes that were never written may be read (`CAP_PERFMON`).
    pub read_uninitialised_stack: bool,
    /// Keep a state at every chance (`BPF_F_TEST_STATE_FREQ`).
    pub keep_every_state: bool,
    /// Hand the certificate to the checker, and reject the program if it refuses. By default in builds
    /// with debug assertions: tests and fuzzing. It takes about two thirds of the time of exploration.
    pub check_certificate: bool,
}

impl Default for Options {
    /// All privileges.
    fn default() -> Self {
        Self {
            leak_pointers: true,
            read_uninitialised_stack: true,
            keep_every_state: false,
            check_certificate: cfg!(debug_assertions),
        }
    }
}
