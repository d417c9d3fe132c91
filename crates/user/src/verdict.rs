//! What the verifier says of a program before it is loaded, and the log it leaves.

use std::sync::Arc;

use osmia_program::{Initial, MapKind, MapSpec, Program, Standing, Target};
use osmia_verify::explain::{LoggedPaths, Wish};
use osmia_verify::{Reach, Reject, Replaced, Stats, verify, verify_and_watch};
use osmia_vm::map::Map;

use crate::proof::{self, Proof};
use crate::repeats::Repeats;

/// A verdict on a program.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What is known of it, if it may run; else why not.
    pub(crate) result: Result<Standing, Box<Reject>>,
    /// How far it looks into what is laid out for it; nothing if it was not judged.
    pub(crate) reach: Reach,
    /// Why it is safe, if it is known to be.
    pub(crate) proof: Option<Arc<Proof>>,
    stats: Stats,
    /// What is known at every instruction, if that was asked for.
    states: Option<JudgementLog>,
}

/// What the log of a load says of a verdict.
#[derive(Debug, Default)]
pub(crate) struct JudgementLog {
    pub(crate) text: String,
    /// Bytes it had at its longest.
    pub(crate) bytes_most: usize,
}

/// Asks the verifier, and for states at every instruction by the bits of a log level. What it does not know
/// it leaves to the checks of every run.
pub(crate) fn judge(
    program: &Program,
    replaces: Option<Replaced>,
    maps: &[Arc<Map>],
    (target, repeats): (&Target, &Repeats),
    log_level: u32,
) -> Judgement {
    let specs: Vec<MapSpec> = maps.iter().map(|map| seen(map)).collect();
    let (result, stats, states) = match (replaces, logged(log_level)) {
        (None, None) => {
            let (result, stats) = repeats.prove(program, specs, target);
            (result, stats, None)
        }
        // Whoever asks for a log is shown everything, and what is replaced is of another program.
        (replaces, wanted) => {
            let options = proof::options(program, replaces);
            let (verdict, states) = match wanted {
                None => (verify(program, &specs, target, &options), None),
                wanted => {
                    let wish = Wish {
                        kernel_log: wanted,
                        ..Wish::default()
                    };
                    let (verdict, _, seen) =
                        verify_and_watch(program, &specs, target, &options, &wish);
                    let states = JudgementLog {
                        text: seen.kernel_log,
                        bytes_most: seen.kernel_log_bytes_most,
                    };
                    (verdict, Some(states))
                }
            };
            let stats = verdict.stats;
            let proof = |verified| Arc::new(Proof::new(verified, specs, options, stats));
            (verdict.result.map(proof), stats, states)
        }
    };
    let (result, proof) = match result {
        Ok(proof) => (Ok(Standing::Verified), Some(proof)),
        Err(why) if why.is_unsupported() => {
            let why = why.message.clone();
            (Ok(Standing::NotJudged { why }), None)
        }
        Err(why) => (Err(why), None),
    };
    let reach = proof.as_ref().map(|proof| proof.verified().reach());
    Judgement {
        reach: reach.unwrap_or_default(),
        result,
        proof,
        stats,
        states,
    }
}

/// Which paths the log shows.
fn logged(level: u32) -> Option<LoggedPaths> {
    /// `BPF_LOG_LEVEL1`, `BPF_LOG_LEVEL2`
    const CURRENT: u32 = 1 << 0;
    const EVERY: u32 = 1 << 1;
    match level {
        level if level & EVERY != 0 => Some(LoggedPaths::Every),
        level if level & CURRENT != 0 => Some(LoggedPaths::Current),
        _ => None,
    }
}

/// A map as the verifier sees it: values that cannot change any more are known.
fn seen(map: &Map) -> MapSpec {
    let mut spec = map.spec().clone();
    let is_one_value = spec.kind == MapKind::Array && spec.max_entries == 1;
    if map.is_frozen() && is_one_value && !map.program_writes() {
        let value = map.lookup_outside(&0_u32.to_ne_bytes());
        spec.initial = value.map_or(Initial::Empty, Initial::Value);
        spec.frozen = true;
    }
    spec
}

impl Judgement {
    /// Instructions it looked at, again and again.
    pub(crate) fn verified_insns(&self) -> u32 {
        u32::try_from(self.stats.insns).unwrap_or(u32::MAX)
    }

    /// What the log of a load says: why it was rejected, and how much was looked at.
    pub(crate) fn log(&mut self) -> JudgementLog {
        if let Some(states) = self.states.take() {
            return states;
        }
        let reason = match &self.result {
            Err(why) => format!("{}\n", why.message),
            Ok(Standing::NotJudged { why }) => format!("not judged: {why}\n"),
            Ok(_) => String::new(),
        };
        let text = reason + &self.stats.in_the_log();
        JudgementLog {
            bytes_most: text.len(),
            text,
        }
    }
}
