//! Programs of objects, loaded as libbpf loads them: one JSON object for each, with the kernel's
//! verdict.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use osmia_program::{Privilege, Target};
use serde_json::Value;

use super::{Options, Said, Tally, said};
use crate::compare::{Linked, Linker};
use crate::place::Error;

/// True for a list of programs, false for tests that bring their instructions.
pub(super) fn is_list(cases: &Path) -> Result<bool, Error> {
    let file = std::fs::File::open(cases)
        .map_err(|error| format!("{} cannot be read: {error}", cases.display()))?;
    let mut first = String::new();
    BufReader::new(file).read_line(&mut first)?;
    let value: Value = serde_json::from_str(&first)?;
    Ok(value["kind"].is_string() && value["insns"].is_null())
}

/// Links every object that has a program the kernel judged, and compares.
pub(super) fn judge_all(options: &Options, tally: &mut Tally) -> Result<(), Error> {
    let text = std::fs::read_to_string(&options.cases)?;
    let mut by_object: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line)?;
        if value["kind"] == "prog" {
            let object = value["object"].as_str().unwrap_or_default().to_owned();
            by_object.entry(object).or_default().push(value);
        }
    }
    let folder = folder(options);
    let linker = Linker::for_this_kernel()?;
    let target = options.named(linker.target());
    for (object, programs) in by_object {
        let mut linked = None;
        for value in programs {
            let program = value["program"].as_str().unwrap_or_default();
            let name = format!("{object}:{program}");
            if options
                .only
                .as_ref()
                .is_some_and(|text| !name.contains(text.as_str()))
            {
                continue;
            }
            let ours = || {
                let linked = linked.get_or_insert_with(|| linker.link_file(&folder.join(&object)));
                ours(linked, program, &target)
            };
            tally.judge(&name, &theirs(&value["host"]), options.verbose, ours);
        }
    }
    Ok(())
}

/// Where the objects lie: `progs_V.jsonl` stands beside `build/V/progs-v3`.
fn folder(options: &Options) -> PathBuf {
    if let Some(folder) = &options.objects {
        return folder.clone();
    }
    let version = (options.cases.file_stem())
        .and_then(|stem| stem.to_str()?.strip_prefix("progs_"))
        .unwrap_or_default();
    let beside = options.cases.parent().unwrap_or(Path::new(""));
    beside.join("build").join(version).join("progs-v3")
}

fn theirs(host: &Value) -> Said {
    let accepted = match host["verdict"].as_str() {
        Some("accept") => Some(true),
        Some("reject") => Some(false),
        _ => None,
    };
    let message = host["last"].as_str().unwrap_or_default().to_owned();
    Said {
        visited: host["processed"].as_u64(),
        ..Said::only(accepted, message)
    }
}

fn ours(linked: &Result<Linked, String>, name: &str, target: &Target) -> Said {
    let no_verdict = |message: String| Said::only(None, message);
    let linked = match linked {
        Ok(linked) => linked,
        Err(why) => return no_verdict(why.clone()),
    };
    let Some(program) = linked.programs.iter().find(|program| program.name == name) else {
        let refused = linked.refused.iter().find(|(refused, _)| refused == name);
        let why = refused.map_or("it is not among the linked ones", |(_, why)| why);
        return Said {
            accepted: Some(false),
            ..no_verdict(why.to_owned())
        };
    };
    let maps = program.maps.iter();
    let maps: Vec<_> = maps.map(|map| linked.maps[map.index()].clone()).collect();
    said(program, &maps, target, Privilege::All)
}
