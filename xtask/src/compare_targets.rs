//! The table of releases against kernels: what a kernel takes must be what the table says of its release.
//!
//! The running kernel is asked (root). Another one, in a guest, is asked in three steps: `--questions`
//! writes what to ask, given the BTF of that kernel; `target/drivers/verdicts` answers there; `--answers`
//! reads that. `--record` keeps what was said in the form of `crates/program/tests/probes`, which
//! `cargo test` compares with the table.

use std::fmt::Write as _;
use std::path::PathBuf;

use osmia_btf::Btf;
use osmia_program::release::Feature;
use osmia_program::release::probe::Probe;
use osmia_program::{MapKind, ProgramKind, Release, helper};
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use crate::verdicts::{self, Answer, Place, Question};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// BTF of the kernel that is asked [default: the running one's]
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// Write the questions and stop
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Answers given elsewhere, instead of asking the running kernel
    #[arg(long, value_name = "FILE", requires = "release")]
    answers: Option<PathBuf>,
    /// The kernel's release [default: the running one's]
    #[arg(long, value_name = "X.Y")]
    release: Option<Release>,
    /// Keep what the kernel said in this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Instructions a kernel may lack, by feature: the shortest program that needs one.
const SNIPPETS: &[(Feature, &str)] = &[
    (
        Feature::FetchAtomics,
        "*(u64 *)(r10 - 8) = 0\nr1 = 1\nr1 = atomic_fetch_add((u64 *)(r10 - 8), r1)\nr0 = 0\nexit",
    ),
    (Feature::SignedDivision, "r0 = 8\nr1 = 2\nr0 s/= r1\nexit"),
    (Feature::SignExtendingMoves, "r1 = 1\nr0 = (s8)r1\nexit"),
    (
        Feature::SignExtendingLoads,
        "*(u64 *)(r10 - 8) = 0\nr0 = *(s8 *)(r10 - 8)\nexit",
    ),
    (Feature::ByteSwaps, "r0 = 1\nr0 = bswap64 r0\nexit"),
    (
        Feature::LongJumps,
        "r0 = 0\nif r0 != 0 goto +1\ngotol +1\nr0 = 1\nexit",
    ),
    (Feature::MayGoto, "may_goto +1\nr0 = 0\nr0 = 0\nexit"),
    (
        Feature::LoadAcquire,
        "*(u64 *)(r10 - 8) = 0\nr0 = load_acquire((u64 *)(r10 - 8))\nexit",
    ),
];

/// Everything a kernel is asked, in order.
struct Asked {
    places: Vec<Place>,
    text: String,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let btf = match &options.btf {
        Some(path) => std::fs::read(path)?,
        None => std::fs::read("/sys/kernel/btf/vmlinux")?,
    };
    let btf = Btf::parse(btf, None).map_err(|error| error.to_string())?;
    let asked = questions(&btf)?;
    if let Some(path) = &options.questions {
        std::fs::write(path, &asked.text)?;
        return Ok(Verdict::Holds);
    }
    let answers = match &options.answers {
        Some(path) => verdicts::answers(&std::fs::read_to_string(path)?),
        None => verdicts::ask_lines(asked.text.clone())?,
    };
    if answers.len() != asked.text.lines().count() {
        return Err(format!("{} answers are too few", answers.len()).into());
    }
    let release = match options.release {
        Some(release) => release,
        None => running()?,
    };
    let probe = read(&asked, &answers);
    if let Some(path) = &options.record {
        std::fs::write(path, probe.to_string())?;
    }
    let differences = probe.differences(release);
    for difference in &differences {
        println!("differs: {difference}");
    }
    println!(
        "linux-{release}: {} roles, {} answers, {} differ from the table",
        probe.helpers.len(),
        answers.len(),
        differences.len()
    );
    if options.json {
        println!(
            "{}",
            json!({ "release": release, "answers": answers.len(), "differ": differences })
        );
    }
    Ok(if differences.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// The running kernel's release.
fn running() -> Result<Release, Error> {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut parts = text.split('.');
    let (major, minor) = (parts.next(), parts.next());
    let short = format!(
        "{}.{}",
        major.unwrap_or_default(),
        minor.unwrap_or_default()
    );
    Ok(short.parse::<Release>()?)
}

fn questions(btf: &Btf) -> Result<Asked, Error> {
    let places = verdicts::places_in(btf);
    let mut text = String::new();
    let mut put = |question: &Question<'_>| -> Result<(), Error> {
        text.push_str(&verdicts::line(question)?);
        Ok(())
    };
    for place in &places {
        let ends = format!("r0 = {}\nexit", place.accepted_value());
        put(&question(place, ends.clone()))?;
        for helper in &helper::ALL[1..] {
            put(&question(place, format!("call {}\n{ends}", helper.id)))?;
        }
    }
    let filter = filter(&places)?;
    for (_, snippet) in SNIPPETS {
        put(&question(filter, (*snippet).to_owned()))?;
    }
    for kind in &MapKind::ALL[1..] {
        writeln!(text, "map {}", kind.number())?;
    }
    Ok(Asked { places, text })
}

fn question(place: &Place, text: String) -> Question<'_> {
    Question {
        place,
        license: "GPL",
        text,
    }
}

fn filter(places: &[Place]) -> Result<&Place, Error> {
    let mut filters = places
        .iter()
        .filter(|place| place.hook.kind == ProgramKind::SocketFilter);
    filters.next().ok_or_else(|| "no socket filters".into())
}

/// What the answers, in the order of the questions, say the kernel takes.
fn read(asked: &Asked, answers: &[Answer]) -> Probe {
    let mut probe = Probe::default();
    let mut answers = answers.iter();
    let mut next = || answers.next().expect("as many answers as questions");
    for place in &asked.places {
        let open = next().accepted();
        for helper in &helper::ALL[1..] {
            let log = &next().log;
            let refused = ["unknown func", "cannot use helper", "invalid func"];
            if open && !refused.iter().any(|words| log.contains(words)) {
                let numbers = probe.helpers.entry(place.name.clone()).or_default();
                numbers.insert(helper.id);
            }
        }
    }
    for (feature, _) in SNIPPETS {
        probe.note_instruction(*feature, next().accepted());
    }
    for kind in &MapKind::ALL[1..] {
        if next().accepted() {
            probe.maps.insert(kind.name().to_owned());
        }
    }
    probe
}
