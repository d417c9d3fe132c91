//! Calls of kernel functions.

use crate::reject::Check;
use crate::transfer::{Next, Transfer};

impl Transfer<'_> {
    pub(crate) fn call_kfunc(&mut self, id: i32) -> Check<Next> {
        self.unsupported(&format!("kernel function #{id}"))
    }
}
