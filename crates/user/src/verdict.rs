//! What the verifier says of a program before it is loaded, and the log it leaves.

use std::sync::{Arc, OnceLock};

use osmia_jit::Template;
use osmia_program::{Initial, MapKind, MapSpec, Program, ProgramFlags, Standing, Target};
use osmia_verify::explain::{LoggedPaths, Wish};
use osmia_verify::{
    Facts, Options, Reach, Refusal, Reject, Replaced, Stats, Verified, verify, verify_and_watch,
};
use osmia_vm::map::Map;

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

/// A program that was accepted, with what it was accepted for.
#[derive(Debug)]
pub(crate) struct Proof {
    verified: Verified,
    maps: Vec<MapSpec>,
    options: Options,
    /// Its machine code for maps like those, once it was made.
    pub(crate) template: OnceLock<Template>,
}

impl Proof {
    /// What it is a proof of.
    pub(crate) fn program(&self) -> &Program {
        self.verified.program()
    }

    /// The maps it was accepted with.
    pub(crate) fn maps(&self) -> &[MapSpec] {
        &self.maps
    }

    /// What code generation builds on.
    pub(crate) fn facts(&self, target: &Target) -> Result<Facts<'_>, Refusal> {
        self.verified.facts(&self.maps, target, &self.options)
    }
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
    // Whoever asks for a log is shown everything, and what is replaced is of another program.
    let may_repeat = replaces.is_none() && log_level == 0;
    if may_repeat && let Some((proof, stats)) = repeats.find(program, &specs) {
        return Judgement {
            reach: proof.verified.reach(),
            result: Ok(Standing::Verified),
            proof: Some(proof),
            stats,
            states: None,
        };
    }
    let options = Options {
        replaces,
        keep_every_state: program.flags.has(ProgramFlags::TEST_STATE_FREQ),
        ..Options::default()
    };
    let (verdict, states) = match logged(log_level) {
        None => (verify(program, &specs, target, &options), None),
        wanted => {
            let wish = Wish {
                kernel_log: wanted,
                ..Wish::default()
            };
            let (verdict, _, seen) = verify_and_watch(program, &specs, target, &options, &wish);
            let states = JudgementLog {
                text: seen.kernel_log,
                bytes_most: seen.kernel_log_bytes_most,
            };
            (verdict, Some(states))
        }
    };
    let (result, verified) = match verdict.result {
        Ok(verified) => (Ok(Standing::Verified), Some(verified)),
        Err(why) if why.is_unsupported() => {
            let why = why.message.clone();
            (Ok(Standing::NotJudged { why }), None)
        }
        Err(why) => (Err(why), None),
    };
    let reach = (verified.as_ref()).map_or_else(Reach::default, Verified::reach);
    let proof = verified.map(|verified| {
        Arc::new(Proof {
            verified,
            maps: specs,
            options,
            template: OnceLock::new(),
        })
    });
    if may_repeat && let Some(proof) = &proof {
        repeats.keep(proof, &verdict.stats);
    }
    Judgement {
        reach,
        result,
        proof,
        stats: verdict.stats,
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
