//! Two executions of the same program, compared.

use std::collections::BTreeMap;

use osmia::ProgramKind;
use osmia_program::context::{Context, context};

use super::exceptions;

/// What one side made of a program.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) runs: Vec<OneRun>,
    pub(super) maps: BTreeMap<String, Contents>,
}

/// What one run came to.
pub(super) struct OneRun {
    /// The return value, or why there is none.
    pub(super) end: Result<u32, String>,
    pub(super) data: Vec<u8>,
    pub(super) ctx: Vec<u8>,
    pub(super) globals: BTreeMap<String, Vec<u8>>,
}

impl Default for OneRun {
    fn default() -> Self {
        Self {
            end: Ok(0),
            data: Vec::new(),
            ctx: Vec::new(),
            globals: BTreeMap::new(),
        }
    }
}

/// What a map holds at the end.
pub(super) enum Contents {
    Entries(BTreeMap<Vec<u8>, Vec<u8>>),
    Records(Vec<Vec<u8>>),
}

/// What the comparison found.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) runs: usize,
    pub(super) differing_runs: usize,
    /// Programs with differences.
    pub(super) differing: usize,
    pub(super) maps: usize,
    /// Inputs that the kernel does not take.
    pub(super) refused: usize,
    pub(super) differences: Vec<String>,
    pub(super) skipped: Vec<String>,
    pub(super) ignored: Vec<String>,
}

impl Judgement {
    pub(super) fn add(&mut self, other: Judgement) {
        self.runs += other.runs;
        self.differing_runs += other.differing_runs;
        self.differing += other.differing;
        self.maps += other.maps;
        self.refused += other.refused;
        self.differences.extend(other.differences);
        self.skipped.extend(other.skipped);
        self.ignored.extend(other.ignored);
    }
}

pub(super) fn judge(
    label: &str,
    kind: Option<ProgramKind>,
    ours: &Ran,
    theirs: &Ran,
    judged: &mut Judgement,
) {
    for (number, (our, their)) in ours.runs.iter().zip(&theirs.runs).enumerate() {
        if their.end.is_err() {
            judged.refused += 1;
            continue;
        }
        let before = judged.differences.len();
        one(number + 1, kind, our, their, &mut judged.differences);
        if judged.differences.len() == before {
            judged.runs += 1;
        } else {
            judged.differing_runs += 1;
        }
    }
    for (name, their) in &theirs.maps {
        if let Some(why) = exceptions::of_map(label, name) {
            judged.ignored.push(format!("map {name}: {why}"));
            continue;
        }
        // Maps that the program does not use are made by libbpf only.
        let Some(our) = ours.maps.get(name) else {
            continue;
        };
        match map(our, their) {
            None => judged.maps += 1,
            Some(difference) => judged.differences.push(format!("map {name}: {difference}")),
        }
    }
    judged.differing = usize::from(!judged.differences.is_empty());
}

fn one(
    number: usize,
    kind: Option<ProgramKind>,
    ours: &OneRun,
    theirs: &OneRun,
    differences: &mut Vec<String>,
) {
    let mut say = |what: String| differences.push(format!("run {number}: {what}"));
    if ours.end != theirs.end {
        say(format!(
            "returns {}, kernel {}",
            shown(&ours.end),
            shown(&theirs.end)
        ));
    }
    if let Some(at) = first_difference(&ours.data, &theirs.data) {
        say(format!(
            "packet differs at {at}: {}, kernel {}",
            around(&ours.data, at),
            around(&theirs.data, at)
        ));
    }
    for name in differing_fields(kind, &ours.ctx, &theirs.ctx) {
        say(name);
    }
    for (name, their) in &theirs.globals {
        let Some(our) = ours.globals.get(name) else {
            continue;
        };
        let words = our.chunks(8).zip(their.chunks(8)).enumerate();
        for (word, (our, their)) in words.filter(|(_, (our, their))| our != their) {
            // Results stand at the line that says them.
            say(format!(
                "{name} line {word}: {}, kernel {}",
                number_of(our),
                number_of(their)
            ));
        }
    }
}

fn shown(end: &Result<u32, String>) -> String {
    match end {
        Ok(value) => value.to_string(),
        Err(why) => why.clone(),
    }
}

fn number_of(bytes: &[u8]) -> String {
    let mut whole = [0; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    let value = u64::from_le_bytes(whole);
    if (value as i64) < 0 {
        format!("{value:#x} ({})", value as i64)
    } else {
        format!("{value:#x}")
    }
}

/// Fields that a test run gives back.
const FIELDS: [&str; 7] = [
    "mark",
    "priority",
    "ingress_ifindex",
    "ifindex",
    "tstamp",
    "wire_len",
    "gso_segs",
];

fn differing_fields(kind: Option<ProgramKind>, ours: &[u8], theirs: &[u8]) -> Vec<String> {
    let buffers = [
        ProgramKind::SchedCls,
        ProgramKind::SocketFilter,
        ProgramKind::CgroupSkb,
        ProgramKind::LwtIn,
        ProgramKind::LwtOut,
        ProgramKind::LwtXmit,
    ];
    let (true, Context::Fields(layout)) = (
        kind.is_some_and(|kind| buffers.contains(&kind)),
        context(ProgramKind::SchedCls),
    ) else {
        return Vec::new();
    };
    let fields = FIELDS.iter().chain(&["cb"]);
    let fields = fields.filter_map(|name| layout.field(name));
    fields
        .filter_map(|field| {
            let from = field.offset as usize;
            let to = from + (field.bytes * field.count) as usize;
            let (our, their) = (ours.get(from..to)?, theirs.get(from..to)?);
            let differs = our != their;
            differs.then(|| format!("{} is {our:02x?}, kernel {their:02x?}", field.name))
        })
        .collect()
}

fn first_difference(ours: &[u8], theirs: &[u8]) -> Option<usize> {
    let common = ours
        .iter()
        .zip(theirs)
        .position(|(our, their)| our != their);
    match common {
        None if ours.len() != theirs.len() => Some(ours.len().min(theirs.len())),
        at => at,
    }
}

fn around(bytes: &[u8], at: usize) -> String {
    let part = &bytes[at.min(bytes.len())..bytes.len().min(at + 8)];
    format!("{part:02x?} of {} bytes", bytes.len())
}

fn map(ours: &Contents, theirs: &Contents) -> Option<String> {
    match (ours, theirs) {
        (Contents::Entries(ours), Contents::Entries(theirs)) => {
            if ours.len() != theirs.len() {
                return Some(format!("{} entries, kernel {}", ours.len(), theirs.len()));
            }
            let differing = theirs
                .iter()
                .find(|(key, their)| ours.get(*key) != Some(their));
            differing.map(|(key, their)| {
                let our = ours.get(key).map_or(&[][..], Vec::as_slice);
                let at = first_difference(our, their).unwrap_or_default();
                let (our, their) = (around(our, at), around(their, at));
                format!("key {key:02x?} differs at {at}: {our}, kernel {their}")
            })
        }
        (Contents::Records(ours), Contents::Records(theirs)) => {
            if ours.len() != theirs.len() {
                return Some(format!("{} records, kernel {}", ours.len(), theirs.len()));
            }
            // The kernel rounds the length of an event up and leaves what lies there.
            let same = |(our, their): (&Vec<u8>, &Vec<u8>)| {
                their.starts_with(our) && their.len() - our.len() < 8
            };
            let at = ours.iter().zip(theirs).position(|pair| !same(pair))?;
            Some(format!(
                "record {at}: {:02x?}, kernel {:02x?}",
                ours[at], theirs[at]
            ))
        }
        _ => Some("another kind of map".into()),
    }
}
