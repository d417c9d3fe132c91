//! Calls of kernel functions.

use crate::explore::{Explorer, Next};
use crate::reject::Check;

impl Explorer<'_> {
    pub(crate) fn call_kfunc(&mut self, id: i32) -> Check<Next> {
        self.unsupported(&format!("kernel function #{id}"))
    }
}
