//! Functions that programs are put before, behind or instead of (`kernel/bpf/trampoline.c` of Linux
//! 6.18).

use osmia_program::{Errno, ProgramKind};

use super::{Attached, Attachments, Place};
use crate::kernel::lock;
use crate::limits::FUNCTION_PROGRAMS_MAX;

/// A function by its type.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FunctionId {
    /// The id of the program, or of the kernel's types, that `type_id` counts in.
    pub(crate) object_id: u32,
    /// The two kinds of ids count by themselves.
    pub(crate) of_program: bool,
    pub(crate) type_id: u32,
}

impl Attachments {
    /// Attaches a link's program to a function. One that replaces it stands alone.
    pub(crate) fn attach_to_function(
        &self,
        function: FunctionId,
        attached: Attached,
    ) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state.rows.entry(Place::Function(function)).or_default();
        let is_taken = match replaces(&attached) {
            true => !row.attached.is_empty(),
            false => row.attached.iter().any(replaces),
        };
        if is_taken {
            return Err(Errno::EBUSY);
        }
        if row.attached.len() >= FUNCTION_PROGRAMS_MAX {
            return Err(Errno::E2BIG);
        }
        if row.attached.iter().any(|one| one.is(&attached.program)) {
            return Err(Errno::EBUSY);
        }
        let end = row.attached.len();
        row.insert(end, attached);
        Ok(())
    }

    /// True if a function of this program is replaced by another program.
    pub(crate) fn is_extended(&self, program_id: u32) -> bool {
        let state = lock(&self.state);
        let mut rows = state.rows.iter();
        rows.any(|(place, row)| match place {
            Place::Function(function) => {
                let is_of = function.of_program && function.object_id == program_id;
                is_of && row.attached.iter().any(replaces)
            }
            _ => false,
        })
    }
}

/// True for a program that stands in the place of a function.
fn replaces(one: &Attached) -> bool {
    one.program.program().hook.kind == ProgramKind::Ext
}
