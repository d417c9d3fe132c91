//! The table of helpers against the running kernel's verifier: who may call which, under which licence.
//!
//! A call without arguments is enough: the kernel says who may not call before it looks at them. Every
//! role the kernel takes programs of is asked about every helper. Needs root.

use std::collections::{BTreeMap, BTreeSet};

use osmia_program::ProgramKind;
use osmia_program::helper::{self, HelperDenial};
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use crate::verdicts::{self, Answer, Place, Question};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only roles whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Helpers that a kernel may lack altogether, and why.
const OPTIONAL: &[(u32, &str)] = &[
    (36, "a locked-down kernel writes no user memory"),
    (58, "needs CONFIG_BPF_KPROBE_OVERRIDE"),
];

const LICENSES: [&str; 2] = ["GPL", "Proprietary"];

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let places = verdicts::places()?;
    let (open, mut skipped) = verdicts::split(&places)?;
    let only = options.only.as_deref().unwrap_or_default();
    let mut cases = Vec::new();
    for place in open.iter().filter(|place| place.name.contains(only)) {
        for license in LICENSES {
            // The kernel takes no members of its structures under another licence at all.
            if license != "GPL" && place.hook.kind == ProgramKind::StructOps {
                continue;
            }
            for helper in &helper::ALL[1..] {
                cases.push((*place, license, helper));
            }
        }
    }
    let questions: Vec<Question<'_>> = (cases.iter())
        .map(|(place, license, helper)| Question {
            place,
            license,
            text: format!("call {}\nr0 = {}\nexit", helper.id, place.accepted_value()),
        })
        .collect();
    let answers = verdicts::ask(&questions)?;
    let mut missing: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    let mut lacking = BTreeSet::new();
    let (mut agree, mut differences) = (0_usize, Vec::new());
    for ((place, license, helper), answer) in cases.iter().zip(&answers) {
        let ours = helper.permits(&place.hook, license, is_sleepable(place));
        let theirs = denial(answer);
        if ours == theirs {
            agree += 1;
        } else if theirs == Err(HelperDenial::Callers)
            && OPTIONAL.iter().any(|(id, _)| *id == helper.id)
        {
            missing.entry(helper.id).or_default().insert(&place.name);
            lacking.insert(helper.id);
        } else {
            differences.push(format!(
                "differs: {}: {} under \"{license}\": {} here, {} there",
                place.name,
                helper.name,
                said(ours),
                said(theirs),
            ));
        }
    }
    for (id, why) in OPTIONAL.iter().filter(|(id, _)| lacking.contains(id)) {
        let name = helper::ALL[*id as usize].name;
        skipped.push(format!("{name}: {why}"));
    }
    for why in &skipped {
        println!("skipped: {why}");
    }
    for difference in &differences {
        println!("{difference}");
    }
    let differ = differences.len();
    println!(
        "{} roles: {agree} verdicts agree, {differ} differ; {} skipped",
        open.len(),
        skipped.len()
    );
    if options.json {
        println!(
            "{}",
            json!({ "agree": agree, "differ": differences, "skipped": skipped })
        );
    }
    Ok(if differ == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn is_sleepable(place: &Place) -> bool {
    place.hook.kind == ProgramKind::Syscall
}

/// What the verifier said about the call itself.
fn denial(answer: &Answer) -> Result<(), HelperDenial> {
    let says = |what: &str| answer.log.contains(what);
    if says("cannot use helper") || says("unknown func") {
        Err(HelperDenial::Callers)
    } else if says("GPL-restricted") {
        Err(HelperDenial::License)
    } else if says("might sleep") {
        Err(HelperDenial::Sleeps)
    } else {
        Ok(())
    }
}

fn said(verdict: Result<(), HelperDenial>) -> &'static str {
    match verdict {
        Ok(()) => "permitted",
        Err(HelperDenial::Callers) => "not for this role",
        Err(HelperDenial::License) => "not under this licence",
        Err(HelperDenial::Sleeps) => "only for programs that sleep",
    }
}
