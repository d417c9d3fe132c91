//! What programs may be attached to: the verifier's answer beside a kernel's, for every security hook,
//! iterator and operation in its BTF, and for a share of its functions.
//!
//! Nothing is attached: programs that do nothing are loaded and dropped. The running kernel is asked
//! (root); a guest's in three steps, as `compare-targets` does it: `--questions`, the driver there,
//! `--answers`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_isa::{Endian, NoNames, assemble};
use osmia_program::{
    AttachKind, Kconfig, KernelVersion, Program, ProgramFlags, ProgramKind, ProgramParts, Target,
};
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
    #[arg(long, value_name = "FILE", requires = "btf")]
    answers: Option<PathBuf>,
    /// Configuration of the kernel that is asked
    #[arg(long, value_name = "FILE")]
    kconfig: Option<PathBuf>,
    /// Ask about one function in so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    every: usize,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// A question: where, and what the program returns there.
struct Case {
    place: Place,
    returns: i32,
}

/// Functions that are always asked about: kernels treat them in ways of their own.
const FUNCTIONS: &[&str] = &[
    "__rcu_read_lock",
    "__x64_sys_exit",
    "bpf_fentry_test1",
    "bpf_modify_return_test",
    "do_exit",
    "migrate_disable",
    "security_file_open",
    "should_failslab",
    "update_socket_protocol",
    "vfs_read",
];

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let path = options.btf.clone();
    let path = path.unwrap_or_else(|| "/sys/kernel/btf/vmlinux".into());
    let btf = Btf::parse(std::fs::read(path)?, None).map_err(|error| error.to_string())?;
    let btf = Arc::new(btf);
    let cases = cases(&btf, options.every);
    let questions: Vec<Question<'_>> = cases.iter().map(Case::question).collect();
    if let Some(path) = &options.questions {
        let lines: Result<String, Error> = questions.iter().map(verdicts::line).collect();
        std::fs::write(path, lines?)?;
        println!("{} questions", cases.len());
        return Ok(Verdict::Holds);
    }
    let answers = match &options.answers {
        Some(path) => verdicts::answers(&std::fs::read_to_string(path)?),
        None => verdicts::ask(&questions)?,
    };
    if answers.len() != cases.len() {
        return Err(format!("{} answers to {} questions", answers.len(), cases.len()).into());
    }
    let kconfig = match &options.kconfig {
        Some(path) => Some(Arc::new(Kconfig::from_text(&std::fs::read_to_string(
            path,
        )?))),
        None => None,
    };
    let target = target(btf, kconfig);
    let (mut agree, mut alike, mut refused) = (0_usize, 0_usize, 0_usize);
    let (mut skipped, mut differences) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for (case, answer) in cases.iter().zip(&answers) {
        if let Some(why) = no_verdict(answer) {
            *skipped.entry(why).or_default() += 1;
            continue;
        }
        let ours = case.judged(&target)?;
        if ours.is_none() != answer.accepted() {
            let (here, there) = (said(ours.as_deref()), said(kernel_words(answer)));
            let returned = case.returns;
            differences.push(format!(
                "differs: {}, returning {returned}: {here} here, {there} there",
                case.place.name
            ));
            continue;
        }
        agree += 1;
        if let (Some(ours), Some(theirs)) = (&ours, kernel_words(answer)) {
            refused += 1;
            alike += usize::from(ours.contains(theirs) || theirs.contains(ours.as_str()));
        }
    }
    for (why, count) in &skipped {
        println!("skipped: {why}: {count}");
    }
    for difference in &differences {
        println!("{difference}");
    }
    let differ = differences.len();
    println!(
        "{} programs: {agree} verdicts agree, {differ} differ; {alike} of {refused} refusals in the same words",
        cases.len()
    );
    if options.json {
        println!(
            "{}",
            json!({ "agree": agree, "differ": differences, "alike": alike, "refused": refused })
        );
    }
    Ok(match differ {
        0 => Verdict::Holds,
        _ => Verdict::Fails,
    })
}

fn said(words: Option<&str>) -> &str {
    words.unwrap_or("accepted")
}

/// Why an answer is no verdict of the verifier.
fn no_verdict(answer: &Answer) -> Option<&'static str> {
    const EPERM: i32 = 1;
    if answer.errno == EPERM && answer.log.is_empty() {
        return Some("the kernel refuses every such program here");
    }
    let gone = answer.log.contains("The address of function");
    gone.then_some("a function without an address in this kernel")
}

/// The sentence in which the kernel says why not.
fn kernel_words(answer: &Answer) -> Option<&str> {
    const STATISTICS: &[&str] = &["processed ", "verification time", "stack depth"];
    let counts = |line: &&str| STATISTICS.iter().any(|words| line.starts_with(words));
    let mut lines = answer.log.lines().filter(|line| !counts(line));
    (!answer.accepted()).then(|| lines.next_back().unwrap_or_default())
}

/// Every program that is asked about.
fn cases(btf: &Btf, every: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let functions = btf.types().filter(|ty| ty.kind() == Kind::Func);
    for (position, ty) in functions.enumerate() {
        let (id, name) = (ty.id(), ty.name());
        if let Some(hook) = name.strip_prefix("bpf_lsm_") {
            security_hook(&mut cases, id, hook);
        } else if let Some(item) = name.strip_prefix("bpf_iter_") {
            let role = (ProgramKind::Tracing, AttachKind::TraceIter);
            cases.push(Case::new(role, item, id, 0, 0));
            cases.push(Case::new(role, item, id, ProgramFlags::SLEEPABLE, 0));
        }
        if FUNCTIONS.contains(&name) || position % every.max(1) == 0 {
            function(&mut cases, id, name);
        }
    }
    for ty in btf.types().filter(|ty| ty.kind() == Kind::Struct) {
        if let Some(table) = ty.name().strip_prefix("bpf_struct_ops_")
            && let Some(id) = btf.find(table, Kind::Struct)
        {
            operations(&mut cases, btf, id, table);
        }
    }
    cases
}

fn security_hook(cases: &mut Vec<Case>, id: TypeId, name: &str) {
    const ASLEEP: u32 = ProgramFlags::SLEEPABLE;
    let (hook, group) = (AttachKind::LsmMac, AttachKind::LsmCgroup);
    let asked = [
        (hook, 0, 0),
        (hook, ASLEEP, 0),
        (hook, 0, 1),
        (hook, 0, -4096),
        (group, 0, 0),
        (group, 0, 1),
        (group, ASLEEP, 1),
    ];
    for (attach, flags, returns) in asked {
        cases.push(Case::new(
            (ProgramKind::Lsm, attach),
            name,
            id,
            flags,
            returns,
        ));
    }
}

fn function(cases: &mut Vec<Case>, id: TypeId, name: &str) {
    use AttachKind::{ModifyReturn, TraceFentry, TraceFexit};
    for attach in [TraceFentry, TraceFexit, ModifyReturn] {
        for flags in [0, ProgramFlags::SLEEPABLE] {
            let role = (ProgramKind::Tracing, attach);
            cases.push(Case::new(role, name, id, flags, 0));
        }
    }
}

/// The attach type of an operation is its position.
fn operations(cases: &mut Vec<Case>, btf: &Btf, id: TypeId, table: &str) {
    let (Body::Struct(members) | Body::Union(members)) = btf.type_at(id).body() else {
        return;
    };
    for (position, member) in members.members().enumerate() {
        let Some(number) = AttachKind::from_number(position as u32) else {
            continue;
        };
        let name = format!("{table}.{}", member.name);
        for (flags, returns) in [(0, 0), (0, 1), (ProgramFlags::SLEEPABLE, 0)] {
            let role = (ProgramKind::StructOps, number);
            cases.push(Case::new(role, &name, id, flags, returns));
        }
    }
}

impl Case {
    fn new(
        role: (ProgramKind, AttachKind),
        target: &str,
        id: TypeId,
        flags: u32,
        returns: i32,
    ) -> Self {
        let place = Place::attached(role.0, role.1, target, id.0, flags);
        Case { place, returns }
    }

    fn text(&self) -> String {
        format!("r0 = {}\nexit", self.returns)
    }

    fn question(&self) -> Question<'_> {
        Question {
            place: &self.place,
            license: "GPL",
            text: self.text(),
        }
    }

    /// Why we refuse it, if we do.
    fn judged(&self, target: &Target) -> Result<Option<String>, Error> {
        let assembly = assemble(&self.text(), &NoNames).map_err(|errors| format!("{errors:?}"))?;
        let mut parts = ProgramParts::bare("asked", self.place.hook.kind, assembly.slots);
        parts.hook = self.place.hook.clone();
        parts.flags = ProgramFlags(self.place.flags());
        let program = Program::new(parts)?;
        let options = osmia_verify::Options::default();
        let verdict = osmia_verify::verify(&program, &[], target, &options);
        Ok(verdict.result.err().map(|why| why.message))
    }
}

fn target(btf: Arc<Btf>, kconfig: Option<Arc<Kconfig>>) -> Target {
    Target {
        name: "the kernel that is asked".to_owned(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 1,
        btf: Some(btf),
        module_btfs: Vec::new(),
        kconfig,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    }
}
