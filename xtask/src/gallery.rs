//! The gallery of mistakes before the running kernel: it has to reject each mistake and accept the
//! mended program, and so do we. Curated programs only; nothing is attached. Needs root.

use std::process::Command;

use crate::Verdict;
use crate::libbpf_driver;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const FOLDER: &str = "tests/gallery";
const MENDED: &str = ".fixed.bpf.o";

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let folder = place::root().join(FOLDER);
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".bpf.o") {
            objects.push(name);
        }
    }
    objects.sort();
    let driver = libbpf_driver::build("gallery")?;
    let output = Command::new(driver)
        .current_dir(&folder)
        .args(&objects)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<&str> = text.lines().collect();
    if answers.len() != objects.len() {
        return Err(format!("{} answers for {} objects", answers.len(), objects.len()).into());
    }
    let (mut agree, mut differ) = (0, 0);
    for (name, answer) in objects.iter().zip(answers) {
        let (errno, log) = answer.split_once(' ').unwrap_or((answer, ""));
        if errno == "1" && log.is_empty() {
            return Err("the kernel lets nobody load programs here: this needs root".into());
        }
        let kernel = errno == "0";
        let ours = accepted(&folder.join(name))?;
        if kernel == name.ends_with(MENDED) && ours == kernel {
            agree += 1;
            continue;
        }
        differ += 1;
        if !options.json {
            let words = |accepted| if accepted { "accepts" } else { "rejects" };
            println!(
                "{name}: the kernel {} it, we {} it",
                words(kernel),
                words(ours).trim_end_matches('s')
            );
            println!("    {}", log.replace("\\n", "\n    "));
        }
    }
    if options.json {
        println!("{{\"agree\":{agree},\"differ\":{differ}}}");
    } else {
        println!(
            "gallery: {} mistakes, {agree} of {} verdicts as they should be, {differ} not",
            objects.len() / 2,
            objects.len()
        );
    }
    Ok(if differ == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// Whether `osmia verify` accepts an object.
fn accepted(path: &std::path::Path) -> Result<bool, Error> {
    let object = osmia::Object::open(path)?;
    let target = osmia::user_options(&object, None, None, true)?.target();
    let linked = object.link(&target, &osmia::LinkOptions::default())?;
    let judged = linked.verify(&target, None)?;
    Ok(judged.iter().all(|one| one.accepted))
}
