//! Runs a case on a host.

use osmia_program::attr::Command;

use crate::answer;
use crate::call;
use crate::case::{Case, Step};
use crate::literal::Names;
use crate::request::{Host, Request, Returned};

/// What a step came to.
#[derive(Clone, Debug)]
pub struct StepOutcome<'a> {
    /// The step.
    pub step: &'a Step,
    /// The answer as one line.
    pub answer: String,
}

/// CPUs that cases count with (`cpus`): what per-CPU values are as wide as.
pub(crate) const CPUS: u64 = 2;

/// Runs every step; the host begins and ends empty.
///
/// # Errors
/// If the case is not right or the host cannot be reached.
pub fn run<'a>(case: &'a Case, host: &mut dyn Host) -> Result<Vec<StepOutcome<'a>>, String> {
    let mut names = Names::default();
    names.numbers.insert("cpus".to_owned(), CPUS);
    names.numbers.insert("self".to_owned(), host.pid().into());
    names.types = host.types();
    let mut outcomes = Vec::new();
    for step in &case.steps {
        let said = |what: String| format!("line {}: {what}", step.line);
        let request = call::request(case, step, &names).map_err(said)?;
        let returned = host.ask(&request).map_err(said)?;
        learn(step, &request, &returned, &mut names);
        let answer = answer::line(step, &request, &returned, &names);
        outcomes.push(StepOutcome { step, answer });
    }
    host.reset()?;
    Ok(outcomes)
}

/// Names what the answer brought: descriptors as the case says, ids by the descriptor asked about.
fn learn(step: &Step, request: &Request, returned: &Returned, names: &mut Names) {
    if returned.result < 0 {
        // What could not be had is named too, so that steps after it mean the same everywhere.
        if let Some(name) = &step.bind {
            names.numbers.insert(name.clone(), u64::MAX);
        }
        return;
    }
    if let Some(name) = &step.bind {
        names.numbers.insert(name.clone(), returned.result as u64);
    }
    let Request::Bpf(call) = request else { return };
    if call.command != Command::ObjGetInfoByFd.number() {
        return;
    }
    let about = step.arguments.iter().find(|(name, _)| name == "bpf_fd");
    let told = answer::info_of(step, "info");
    if let (Some((_, object)), Some(told), Some(info)) = (about, told, returned.buffers.first())
        && let Some(id) = told.field("id")
        && let Some(bytes) = info.get(id.offset..id.offset + 4)
    {
        let id = u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let name = format!("{object}.id");
        names.numbers.insert(name.clone(), id);
        names.objects.entry((told.name, id)).or_insert(name);
    }
}
