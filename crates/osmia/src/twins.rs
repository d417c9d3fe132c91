//! The same programs twice, on two engines or two hosts: whether they come to the same.

use osmia_program::{Form, Host, HostProgram, Run};

use crate::{Error, Loaded};

/// Who ran the same programs.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Twins {
    first: &'static str,
    second: &'static str,
    /// One of them is a kernel, whose test runs tell less.
    with_kernel: bool,
}

impl Twins {
    /// A program and its twin.
    pub(crate) fn of(first: &impl HostProgram, second: &impl HostProgram) -> Self {
        let forms = [first.form(), second.form()];
        Self {
            first: name_of(forms[0]),
            second: name_of(forms[1]),
            with_kernel: forms.contains(&&Form::Kernel),
        }
    }

    /// What they made of the same input, if not the same.
    pub(crate) fn differ(self, first: &Run, second: &Run) -> Option<String> {
        let Self {
            first: one,
            second: other,
            with_kernel,
        } = self;
        let what = if first.retval != second.retval {
            let (ours, theirs) = (first.retval, second.retval);
            return Some(format!("{one} returns {ours:#x}, {other} {theirs:#x}"));
        } else if first.data != second.data {
            "the packet"
        } else if first.ctx != second.ctx {
            "the context"
        } else if with_kernel {
            return None;
        } else if first.sequence != second.sequence {
            "what was printed"
        } else if first.redirected.len() != second.redirected.len() {
            "where the packet was sent"
        } else {
            return None;
        };
        Some(format!("{one} and {other} differ in {what}"))
    }

    /// What they left in variables and maps, if not the same.
    pub(crate) fn differ_in_maps<H: Host>(
        self,
        first: &Loaded<'_, H>,
        second: &Loaded<'_, H>,
    ) -> Result<Option<String>, Error> {
        let Self {
            first: one,
            second: other,
            ..
        } = self;
        let globals = |loaded: &Loaded<'_, H>| -> Result<_, Error> {
            let values = loaded.globals()?.into_iter();
            let values = values.map(|global| (global.name, global.value.json));
            Ok(values.collect::<Vec<_>>())
        };
        let (ours, theirs) = (globals(first)?, globals(second)?);
        let mut pairs = ours.iter().zip(&theirs);
        if let Some(((name, ours), (_, theirs))) = pairs.find(|(ours, theirs)| ours != theirs) {
            return Ok(Some(format!(
                "variable {name} is {ours} after {one}, {theirs} after {other}"
            )));
        }
        let contents = |loaded: &Loaded<'_, H>| -> Result<_, Error> {
            let maps = loaded.map_contents()?.into_iter();
            // What only one of them can list is nothing to compare.
            let maps = maps.filter(|map| map.not_listed.is_none());
            let maps = maps.map(|map| (map.name.clone(), serde_json::json!(map)));
            Ok(maps.collect::<std::collections::BTreeMap<_, _>>())
        };
        let (ours, theirs) = (contents(first)?, contents(second)?);
        let mut both = ours
            .iter()
            .filter_map(|(name, map)| Some((name, map, theirs.get(name)?)));
        Ok(both
            .find(|(_, ours, theirs)| ours != theirs)
            .map(|(name, ..)| {
                format!("map {name} holds something else after {one} than after {other}")
            }))
    }
}

fn name_of(form: &Form) -> &'static str {
    match form {
        Form::Native { .. } => "machine code",
        Form::Interpreted { .. } => "the interpreter",
        Form::Kernel => "the kernel",
    }
}
