//! Slow jobs and outside judges, one command each.
//!
//! `cargo test` needs none of them; each says what it needs and what it skipped. A command prints
//! text for people, `--json` one object for programs, and exits 1 on a negative verdict.

mod agreement;
mod arm64;
mod attach;
mod bench;
mod capture;
mod compare;
mod compare_attach;
mod compare_bpftool;
mod compare_contexts;
mod compare_helpers;
mod compare_kernel;
mod compare_strace;
mod compare_tags;
mod compare_targets;
mod compare_tcpdump;
mod conformance;
mod core_case;
mod corpus;
mod debian_objects;
mod differential;
mod examples;
mod features;
mod gallery;
mod header;
mod isa_tests;
mod judge_cases;
mod kernel_source;
mod libbpf_driver;
mod load;
mod miri;
mod mutants;
mod native;
mod own_network;
mod place;
mod prove;
mod record_bpftool;
mod reference_btf;
mod sanitize;
mod seeds;
mod selftests;
mod soundness;
mod tidy;
mod verdicts;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run random programs that the verifier accepts in the interpreter and as machine code
    Agreement(agreement::Options),
    /// Attach to every kind of place on the running kernel, reach it, and look whether anything stays behind
    Attach(attach::Options),
    /// Run what machine code has to do with as arm64 programs, under qemu
    Arm64(arm64::Options),
    /// Measure loading and interpreting, with the rivals beside us
    Bench(bench::Options),
    /// Rebuild the committed eBPF objects and captures, or check that they are current
    Examples(examples::Options),
    /// Make osmia.h of the C interface, or check the committed one
    Header(header::Options),
    /// Write the CO-RE bench program from the types of the running kernel
    CoreCase,
    /// Ask the running kernel's verifier about every context field and return value
    CompareContexts(compare_contexts::Options),
    /// Ask the running kernel's verifier who may call which helper
    CompareHelpers(compare_helpers::Options),
    /// Run programs on the running kernel and here, and compare everything they leave behind
    CompareKernel(compare_kernel::Options),
    /// Compare our linked instructions with those libbpf hands to the kernel
    CompareLibbpf(compare::Options),
    /// Compare what programs may be attached to with the running kernel's verifier, or another one's
    CompareAttach(compare_attach::Options),
    /// Compare the JSON of the nouns with bpftool's, on live objects of the running kernel (root)
    CompareBpftool(compare_bpftool::Options),
    /// Compare the system calls that a program of ours counts on commands with those strace shows
    CompareStrace(compare_strace::Options),
    /// Compare tags of programs with those bpftool shows for the running kernel
    CompareTags(compare_tags::Options),
    /// Compare the table of releases with what the running kernel, or another one, takes
    CompareTargets(compare_targets::Options),
    /// Compare which packets a classic filter keeps here with what tcpdump keeps
    CompareTcpdump(compare_tcpdump::Options),
    /// Run a folder of the bpf_conformance suite's tests through our plugin for it
    Conformance(conformance::Options),
    /// Write the hostile inputs under tests/corpus, or check that they are current
    Corpus(corpus::Options),
    /// Verify the objects that Debian's packages ship, here and in the running kernel
    DebianObjects(debian_objects::Options),
    /// Write docs/features.md from the tables, or check that it is current
    Features(features::Options),
    /// Ask the running kernel about the gallery of mistakes
    Gallery(gallery::Options),
    /// Run the kernel's instruction tests through the interpreter
    IsaTests(isa_tests::Options),
    /// Make a million pins and ten thousand maps in the user-space host, and kill threads in it
    Load(load::Options),
    /// Run the tests of memory and maps under Miri
    Miri(miri::Options),
    /// Run the tests of maps with a sanitizer
    Sanitize(sanitize::Options),
    /// Break the verifier on purpose and see who notices
    Mutants(mutants::Options),
    /// Say which of the committed programs become machine code, and why the others do not
    Native(native::Options),
    /// Run the cases of tests/both on the running kernel and here
    Differential(differential::Options),
    /// Prove with z3 that the verifier's domain loses no number
    Prove(prove::Options),
    /// Record the attributes that bpftool gives to bpf(2) in namespaces of its own (root)
    RecordBpftool(record_bpftool::Options),
    /// Write the reference BTF that is shipped, from a kernel's
    ReferenceBtf(reference_btf::Options),
    /// Run random programs that the verifier accepts against their certificates
    Soundness(soundness::Options),
    /// Check the habits that code can check
    Tidy,
    /// Compare the verifier's verdicts with the running kernel's on a case file
    Verdicts(judge_cases::Options),
}

/// What a command found out.
enum Verdict {
    /// Everything holds.
    Holds,
    /// A difference or a failed check, already printed.
    Fails,
}

fn main() -> ExitCode {
    let verdict = match Arguments::parse().command {
        Command::Agreement(options) => agreement::run(&options),
        Command::Attach(options) => attach::run(&options),
        Command::Arm64(options) => arm64::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Examples(options) => examples::run(&options),
        Command::Header(options) => header::run(&options),
        Command::CoreCase => core_case::run(),
        Command::CompareAttach(options) => compare_attach::run(&options),
        Command::CompareContexts(options) => compare_contexts::run(&options),
        Command::CompareHelpers(options) => compare_helpers::run(&options),
        Command::CompareKernel(options) => compare_kernel::run(&options),
        Command::CompareLibbpf(options) => compare::run(&options),
        Command::CompareBpftool(options) => compare_bpftool::run(&options),
        Command::CompareStrace(options) => compare_strace::run(&options),
        Command::CompareTags(options) => compare_tags::run(&options),
        Command::CompareTargets(options) => compare_targets::run(&options),
        Command::CompareTcpdump(options) => compare_tcpdump::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Corpus(options) => corpus::run(&options),
        Command::DebianObjects(options) => debian_objects::run(&options),
        Command::Features(options) => features::run(&options),
        Command::Gallery(options) => gallery::run(&options),
        Command::IsaTests(options) => isa_tests::run(&options),
        Command::Load(options) => load::run(&options),
        Command::Miri(options) => miri::run(&options),
        Command::Sanitize(options) => sanitize::run(&options),
        Command::Mutants(options) => mutants::run(&options),
        Command::Native(options) => native::run(&options),
        Command::Differential(options) => differential::run_all(&options),
        Command::Prove(options) => prove::run(&options),
        Command::RecordBpftool(options) => record_bpftool::run(&options),
        Command::ReferenceBtf(options) => reference_btf::run(&options),
        Command::Soundness(options) => soundness::run(&options),
        Command::Tidy => tidy::run(),
        Command::Verdicts(options) => judge_cases::run(&options),
    };
    match verdict {
        Ok(Verdict::Holds) => ExitCode::SUCCESS,
        Ok(Verdict::Fails) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}
