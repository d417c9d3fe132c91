//! The verifier's verdicts beside the running kernel's, on the kernel's own verifier tests or on the
//! programs of objects.
//!
//! The case file is made by the oracle's tools from Debian's kernel source package and stays outside
//! of the repository; `tests/kernel/disagreements.toml` may name cases by their names.

mod case;
mod disagreements;
mod objects;
mod states;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use osmia_program::{KernelVersion, MapSpec, Program, ProgramFlags, Target};
use osmia_verify::{Options as VerifyOptions, Privilege, verify};
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use case::Case;
use disagreements::Known;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The tests, or the programs of objects with the kernel's verdicts, one JSON object a line
    cases: PathBuf,
    /// Where the objects lie that the cases name; beside the cases if it is not given
    #[arg(long, value_name = "FOLDER")]
    objects: Option<PathBuf>,
    /// Who loads the programs
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// By the rules of a release of Linux, or of `osmia`, instead of those of the running kernel's
    #[arg(long, value_name = "linux-X.Y|osmia")]
    target: Option<osmia::TargetName>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Compare the states at every instruction with the kernel's logs (NNNN.p.log) of this folder
    #[arg(long, value_name = "FOLDER")]
    states: Option<PathBuf>,
    /// Print every test with both verdicts
    #[arg(long)]
    verbose: bool,
}

impl Options {
    /// A target, by the name that was given.
    fn named(&self, target: &Target) -> Target {
        match self.target {
            Some(name) => name.of(target),
            None => target.clone(),
        }
    }
}

/// Who loads the programs, for both sides.
#[derive(Copy, Clone, Default, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// Somebody who may do everything
    #[default]
    Privileged,
    /// Somebody with fewer rights, as the case file says: CAP_BPF without CAP_PERFMON, or none
    Unprivileged,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Privileged => "privileged",
            Mode::Unprivileged => "unprivileged",
        }
    }

    /// The field that says what the kernel said.
    fn field(self) -> &'static str {
        match self {
            Mode::Privileged => "host",
            Mode::Unprivileged => "host_unpriv",
        }
    }
}

struct Tally {
    cases: u64,
    agree: u64,
    stricter: Vec<String>,
    lenient: Vec<String>,
    not_comparable: u64,
    /// Accepted on both sides: instructions visited, ours and theirs.
    visited: (u64, u64),
    same_count: u64,
    compared_counts: u64,
    /// Certificates that the checker refuses.
    refused: Vec<String>,
    certificates: u64,
    verify_time: Duration,
    check_time: Duration,
    known: Known,
}

/// What one side says of a program.
struct Said {
    /// Unless there is no verdict.
    accepted: Option<bool>,
    /// Why not.
    message: String,
    /// Instructions visited, if that is known.
    visited: Option<u64>,
    /// Ours, accepted: how the certificate fared.
    checked: Option<CertificateCheck>,
}

impl Said {
    /// A verdict without numbers.
    fn only(accepted: Option<bool>, message: String) -> Said {
        Said {
            accepted,
            message,
            visited: None,
            checked: None,
        }
    }
}

/// What the checker says of an accepted program's certificate, and how long that took.
struct CertificateCheck {
    refusal: Option<String>,
    verify_time: Duration,
    check_time: Duration,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let known = Known::read(&options.cases, options.mode.name())?;
    let mut tally = Tally::new(known);
    let start = Instant::now();
    if objects::is_list(&options.cases)? {
        if options.mode == Mode::Unprivileged {
            return Err("programs of objects were loaded with every right only".into());
        }
        objects::judge_all(options, &mut tally)?;
    } else {
        judge_tests(options, &mut tally)?;
    }
    tally.show(start.elapsed().as_secs_f64());
    if options.json {
        println!("{}", tally.to_json());
    }
    let holds = tally.known.holds(options.only.is_none());
    Ok(if holds && tally.refused.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn judge_tests(options: &Options, tally: &mut Tally) -> Result<(), Error> {
    let target = options.named(&target());
    let mut lines = states::Lines::default();
    for case in case::read(&options.cases, options.mode)? {
        if options
            .only
            .as_ref()
            .is_some_and(|text| !case.name.contains(text.as_str()))
        {
            continue;
        }
        let theirs = Said {
            visited: case.processed,
            ..Said::only(case.accepted, case.message.clone())
        };
        let name = format!("{} {}", case.id, case.name);
        if let (Some(folder), Ok(program)) = (&options.states, case.program()) {
            let log = folder.join(format!("{:04}.p.log", case.id));
            lines.add(&states::compare(
                &log,
                &program,
                &case.maps,
                &target,
                options.verbose,
            ));
        }
        tally.judge(&name, &theirs, options.verbose, || ours(&case, &target));
    }
    if options.states.is_some() {
        lines.show();
    }
    Ok(())
}

fn ours(case: &Case, target: &Target) -> Said {
    match case.program() {
        Ok(program) => said(&program, &case.maps, target, case.privilege),
        Err(message) => Said::only(Some(false), message),
    }
}

/// What we say of a program.
fn said(program: &Program, maps: &[MapSpec], target: &Target, privilege: Privilege) -> Said {
    let options = VerifyOptions {
        keep_every_state: program.flags.has(ProgramFlags::TEST_STATE_FREQ),
        // Asked for here, so that both times are known.
        check_certificate: false,
        privilege,
        ..VerifyOptions::default()
    };
    let start = Instant::now();
    let verdict = verify(program, maps, target, &options);
    let verify_time = start.elapsed();
    let checked = verdict.result.as_ref().ok().map(|verified| {
        let start = Instant::now();
        let refusal = verified.check(maps, target, &options).err();
        CertificateCheck {
            refusal: refusal.map(|refusal| refusal.to_string()),
            verify_time,
            check_time: start.elapsed(),
        }
    });
    let message = verdict.result.as_ref().err().map_or(String::new(), |why| {
        let at = why.at.map_or(String::new(), |at| format!("{at}: "));
        format!("{at}{}", why.message)
    });
    Said {
        accepted: Some(verdict.result.is_ok()),
        message,
        visited: Some(verdict.stats.insns as u64),
        checked,
    }
}

impl Tally {
    fn new(known: Known) -> Tally {
        Tally {
            cases: 0,
            agree: 0,
            stricter: Vec::new(),
            lenient: Vec::new(),
            not_comparable: 0,
            visited: (0, 0),
            same_count: 0,
            compared_counts: 0,
            refused: Vec::new(),
            certificates: 0,
            verify_time: Duration::ZERO,
            check_time: Duration::ZERO,
            known,
        }
    }

    /// Compares what both say of a program.
    fn judge(&mut self, name: &str, theirs: &Said, verbose: bool, ours: impl FnOnce() -> Said) {
        self.cases += 1;
        let Some(accepted) = theirs.accepted else {
            self.not_comparable += 1;
            return;
        };
        let ours = ours();
        if verbose {
            let (we, they) = (ours.accepted, theirs.accepted);
            println!(
                "{name}: ours {we:?} {} | theirs {they:?} {}",
                ours.message, theirs.message
            );
        }
        if let Some(checked) = &ours.checked {
            self.certificates += 1;
            self.verify_time += checked.verify_time;
            self.check_time += checked.check_time;
            if let Some(refusal) = &checked.refusal {
                self.refused.push(format!("{name}: {}", first(refusal)));
            }
        }
        match (ours.accepted, accepted) {
            (None, _) => self.not_comparable += 1,
            (Some(true), true) => {
                self.agree += 1;
                self.compare_counts(&ours, theirs, verbose);
            }
            (Some(false), false) => self.agree += 1,
            (Some(false), true) => {
                self.known.found(name, false);
                self.stricter
                    .push(format!("{name}: {}", first(&ours.message)));
            }
            (Some(true), false) => {
                self.known.found(name, true);
                self.lenient
                    .push(format!("{name}: Linux says: {}", theirs.message));
            }
        }
    }

    fn compare_counts(&mut self, ours: &Said, theirs: &Said, verbose: bool) {
        let (Some(ours), Some(theirs)) = (ours.visited, theirs.visited) else {
            return;
        };
        self.visited.0 += ours;
        self.visited.1 += theirs;
        self.compared_counts += 1;
        self.same_count += u64::from(ours == theirs);
        if verbose && ours != theirs {
            println!("  visited {ours}, the kernel {theirs}");
        }
    }

    fn show(&self, seconds: f64) {
        for line in &self.lenient {
            println!("more lenient: {line}");
        }
        for line in &self.stricter {
            println!("stricter: {line}");
        }
        for line in &self.refused {
            println!("certificate refused: {line}");
        }
        let compared = self.cases - self.not_comparable;
        println!(
            "{} of {compared} verdicts agree ({:.1} %), {} stricter, {} more lenient, {} not comparable; {seconds:.1} s",
            self.agree,
            100.0 * self.agree as f64 / compared.max(1) as f64,
            self.stricter.len(),
            self.lenient.len(),
            self.not_comparable
        );
        println!(
            "instructions visited in programs both accept: {} here, {} there; the same in {} of {}",
            self.visited.0, self.visited.1, self.same_count, self.compared_counts
        );
        println!(
            "{} of {} certificates hold; made in {:.2} s with their verdicts, checked in {:.2} s",
            self.certificates - self.refused.len() as u64,
            self.certificates,
            self.verify_time.as_secs_f64(),
            self.check_time.as_secs_f64()
        );
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "cases": self.cases,
            "agree": self.agree,
            "stricter": self.stricter.len(),
            "lenient": self.lenient.len(),
            "not_comparable": self.not_comparable,
            "certificates": self.certificates,
            "certificates_refused": self.refused.len(),
        })
    }
}

fn first(text: &str) -> String {
    text.replace('\n', " / ")
}

fn target() -> Target {
    let mut target = Target {
        name: "linux".into(),
        endian: osmia_isa::Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 2,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    };
    if let Some(bytes) = osmia_benches::kernel_btf() {
        target = osmia_benches::kernel_target(bytes);
        target.cpus = 2;
    }
    target
}
