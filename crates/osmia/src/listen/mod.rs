//! Programs on what the processes of a command do.
//!
//! A [`Spot`] is where a program listens; what happens there becomes the program's input: a context in
//! the layout of the types in force, the task as an object, the process' memory as it is. The process
//! waits meanwhile.

mod context;
mod facts;
mod spot;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::ControlFlow;

use osmia_program::{Host, HostProgram, Program};
use osmia_trace::{Tree, What};

pub use osmia_trace::{Ended, TreeOptions};

use self::spot::Spot;
use crate::run::{End, Running};
use crate::{Error, Loaded, RunOptions, RunSummary, Sink};

/// The signal that a command gets whose tracer goes away.
const SIGKILL: i32 = 9;

/// What a program came to.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name.
    pub program: String,
    /// Where it listened: its section's name.
    pub section: String,
    /// Its runs.
    pub summary: RunSummary,
}

/// What a command and the programs that listened to it came to.
#[derive(Clone, Debug)]
pub struct LiveSummary {
    /// How the command ended.
    pub ended: Ended,
    /// The programs, in the order of their names.
    pub listeners: Vec<Listener>,
}

/// A program and where it listens.
struct Post<'l, H: Host> {
    spot: Spot,
    program: &'l Program,
    running: Running<'l, H>,
    is_over: bool,
}

impl<H: Host> Loaded<'_, H> {
    /// Runs a command, and these programs on what its processes do, until the last has ended.
    ///
    /// # Errors
    /// If a program listens where nothing can be heard, or the command cannot be started or traced.
    pub fn run_command(
        &self,
        programs: &[&str],
        command: &[OsString],
        tree: TreeOptions,
        options: &RunOptions,
        sink: &mut Sink<'_>,
    ) -> Result<LiveSummary, Error> {
        let mut posts = Vec::new();
        let mut problems = Vec::new();
        for name in programs.iter().copied().collect::<BTreeSet<_>>() {
            let mut running = self.running(name, options)?;
            running.on_events();
            let program = running.program().program();
            match Spot::of(program) {
                Ok(spot) => posts.push(Post {
                    spot,
                    program,
                    running,
                    is_over: false,
                }),
                Err(problem) => problems.push(*problem),
            }
        }
        if !problems.is_empty() {
            return Err(Error {
                fault: osmia_program::Fault::Unsupported,
                diagnostics: problems,
            });
        }
        let options = TreeOptions {
            signals: posts.iter().any(|post| post.spot == Spot::Signal),
            ..tree
        };
        let wanted = spot::wanted(posts.iter().map(|post| &post.spot));
        let mut tree = Tree::spawn(command, wanted, options)?;
        let target = self.host().target();
        let mut number = 0;
        'tree: while let Some(happening) = tree.next_happening()? {
            let mut event = None;
            for post in &mut posts {
                if post.is_over || !post.spot.hears(&happening.what) {
                    continue;
                }
                let event = match &mut event {
                    Some(event) => event,
                    None => {
                        number += 1;
                        event.insert(facts::Event::of(&happening))
                    }
                };
                let input = context::input(post.program, target, &happening, event);
                let flow = match post.running.happened(input, number, sink)? {
                    End::Verdict(_, flow) => flow,
                    End::Skipped => ControlFlow::Continue(()),
                    End::Trapped => {
                        post.is_over = true;
                        ControlFlow::Continue(())
                    }
                };
                if let Some(value) = post.running.overridden()
                    && matches!(happening.what, What::Enter { .. })
                {
                    // A thread that is gone has no use for the answer.
                    let _ = tree.answer_call(&happening, value as i64);
                }
                if flow.is_break() {
                    break 'tree;
                }
            }
        }
        let mut listeners = Vec::new();
        for mut post in posts {
            post.running.settle(sink)?;
            listeners.push(Listener {
                program: post.program.name.clone(),
                section: post.program.section.clone(),
                summary: post.running.finish()?,
            });
        }
        // Breaking off ends the command, too.
        let ended = tree.ended().unwrap_or(Ended::Killed(SIGKILL));
        Ok(LiveSummary { ended, listeners })
    }
}

/// The names of the places where programs can listen.
pub fn listening_places() -> impl Iterator<Item = String> {
    spot::listed()
}
