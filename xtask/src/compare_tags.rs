//! Tags of programs: the running kernel's, as bpftool shows them, and ours.
//!
//! `bpftool prog loadall` loads an object into a bpffs mounted in a namespace of its own, gone when that
//! is; nothing is attached. A tag is a digest of the instructions that were loaded, so it is also a second opinion
//! on linking. Needs root and `unshare`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use osmia::{LinkOptions, UserHost, UserOptions};
use osmia_program::{Host, Program};
use serde_json::{Value, json};

use crate::place::{self, Error};
use crate::{Verdict, examples};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only objects whose path contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Counts {
    agree: usize,
    differences: Vec<String>,
    skipped: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let mut counts = Counts::default();
    let mut host = UserOptions::default();
    host.use_kernel_btf()?;
    let host = UserHost::new(host).map_err(|error| error.to_string())?;
    if !place::is_installed("bpftool") {
        counts.skipped.push("all: bpftool is not installed".into());
    } else {
        for path in examples::objects(&place::root())? {
            let shown = path.display().to_string();
            if options
                .only
                .as_ref()
                .is_none_or(|only| shown.contains(only))
            {
                compare(&path, &host, &mut counts);
            }
        }
    }
    for line in &counts.skipped {
        println!("skipped {line}");
    }
    for line in &counts.differences {
        println!("DIFFERS {line}");
    }
    let (agree, differ) = (counts.agree, counts.differences.len());
    let skipped = counts.skipped.len();
    println!("{agree} tags agree, {differ} differ, {skipped} skipped");
    if options.json {
        let counts = json!({ "agree": agree, "differ": differ, "skipped": skipped });
        println!("{counts}");
    }
    Ok(match differ {
        0 => Verdict::Holds,
        _ => Verdict::Fails,
    })
}

fn compare(path: &Path, host: &UserHost, counts: &mut Counts) {
    let name = path
        .file_name()
        .map_or_else(Default::default, |name| name.to_string_lossy());
    let theirs = match Theirs::load(path) {
        Ok(theirs) => theirs,
        Err(error) => {
            let said = error.to_string();
            let last = said
                .lines()
                .rfind(|line| !line.is_empty())
                .unwrap_or_default();
            counts
                .skipped
                .push(format!("{name}: the kernel does not take it: {last}"));
            return;
        }
    };
    let linked = osmia::Object::open(path)
        .and_then(|object| object.link(host.target(), &LinkOptions::default()));
    let linked = match linked {
        Ok(linked) => linked,
        Err(error) => {
            counts
                .differences
                .push(format!("{name}: we do not link it: {error}"));
            return;
        }
    };
    for program in &linked.set().programs {
        let what = format!("{name}: {}", program.name);
        if !program.kfuncs.is_empty() {
            let why = "kernel functions are numbers there and names here";
            counts.skipped.push(format!("{what}: {why}"));
            continue;
        }
        match theirs.tag(&program.name) {
            None => counts
                .skipped
                .push(format!("{what}: bpftool did not pin it")),
            Some(theirs) if theirs == ours(program) => counts.agree += 1,
            Some(theirs) => {
                let ours = ours(program);
                counts
                    .differences
                    .push(format!("{what}: {theirs} there, {ours} here"));
            }
        }
    }
}

fn ours(program: &Program) -> String {
    let tag = osmia_user::program_tag(&program.insns);
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Loads an object into a bpffs nobody else sees, and says one program a line: name and description.
const LOAD: &str = r#"
mount -t bpf bpf "$1" && bpftool prog loadall "$2" "$1/programs" || exit 1
cd "$1/programs" && for pin in *; do
    echo "$pin $(bpftool -j prog show pinned "$pin")"
done
"#;

/// The tags of an object's programs in the running kernel, by name.
struct Theirs(BTreeMap<String, String>);

impl Theirs {
    fn load(object: &Path) -> Result<Self, Error> {
        let mount_point = std::env::temp_dir().join(format!("osmia-tags-{}", std::process::id()));
        std::fs::create_dir_all(&mount_point)?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", LOAD, "sh"])
            .arg(&mount_point)
            .arg(object);
        let said = place::run(&mut command);
        std::fs::remove_dir(&mount_point)?;
        let said = String::from_utf8(said?)?;
        let tag = |line: &str| {
            let (name, shown) = line.split_once(' ')?;
            let shown: Value = serde_json::from_str(shown).ok()?;
            Some((name.to_owned(), shown["tag"].as_str()?.to_owned()))
        };
        Ok(Self(said.lines().filter_map(tag).collect()))
    }

    /// The tag of a program as bpftool shows it.
    fn tag(&self, program: &str) -> Option<&str> {
        // bpffs has no dots in names; bpftool puts underscores there.
        self.0.get(&program.replace('.', "_")).map(String::as_str)
    }
}
