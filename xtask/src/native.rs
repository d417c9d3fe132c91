//! Which of the committed programs become machine code, and why the others do not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use osmia::{Form, HostProgram, Interpreted, LinkOptions, Object, Standing, UserHost, UserOptions};
use serde_json::json;

use crate::place::{self, Error};
use crate::{Verdict, examples};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Other objects than the committed ones
    objects: Vec<PathBuf>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let objects = match &options.objects[..] {
        [] => examples::objects(&place::root())?,
        objects => objects.to_vec(),
    };
    let mut user = UserOptions::default();
    user.use_kernel_btf()?;
    let (mut native, mut reasons) = (0, BTreeMap::<String, Vec<String>>::new());
    for path in objects {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        // What one object makes is gone before the next.
        let host = UserHost::new(user.clone()).map_err(|error| error.to_string())?;
        let object = Object::open(&path).map_err(|error| error.to_string())?;
        let linked = match object.link(osmia::Host::target(&host), &LinkOptions::default()) {
            Ok(linked) => linked,
            Err(why) => {
                let reason = format!("not linked: {why}");
                reasons.entry(reason).or_default().push(file.into_owned());
                continue;
            }
        };
        for program in &linked.set().programs {
            let label = format!("{file} {}", program.name);
            let loaded = match linked.load(&host, &[&program.name]) {
                Ok(loaded) => loaded,
                Err(why) => {
                    let reason = format!("not loaded: {}", without_numbers(&why.to_string()));
                    reasons.entry(reason).or_default().push(label);
                    continue;
                }
            };
            let resident = loaded.program(&program.name).ok_or("it was loaded")?;
            let reason = match (resident.form(), resident.standing()) {
                (Form::Native { .. }, _) => {
                    native += 1;
                    continue;
                }
                (_, Standing::NotJudged { why }) => format!("not judged: {why}"),
                (
                    Form::Interpreted {
                        why: Interpreted::NotCompiled(why),
                    },
                    _,
                ) => {
                    let message = without_numbers(&why.message);
                    message.replace(&format!("program `{}` has ", program.name), "")
                }
                (form, _) => format!("{form:?}"),
            };
            reasons.entry(reason).or_default().push(label);
        }
    }
    let mut rows: Vec<_> = reasons.iter().collect();
    rows.sort_by_key(|(_, programs)| std::cmp::Reverse(programs.len()));
    for (reason, programs) in &rows {
        println!("{:4} {reason}", programs.len());
        println!("     {}", programs.join(", "));
    }
    let left: usize = rows.iter().map(|(_, programs)| programs.len()).sum();
    println!("{native} programs are machine code, {left} are not");
    if options.json {
        println!("{}", json!({ "native": native, "others": reasons }));
    }
    Ok(Verdict::Holds)
}

/// Reasons that differ in numbers only are one.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}
