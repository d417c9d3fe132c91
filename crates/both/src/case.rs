//! A case: a title, programs, and steps with what Linux answers.

/// A sequence of calls and their answers.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// What it is about: its first comment.
    pub title: String,
    /// Its first line in the file, from 1.
    pub line: usize,
    /// Programs in assembly, by name.
    pub programs: Vec<(String, String)>,
    /// What is called, in order.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The name its descriptor gets.
    pub bind: Option<String>,
    /// The command, or a file operation.
    pub verb: String,
    /// What it is called with: name and text of each value; operations' values have no name.
    pub arguments: Vec<(String, String)>,
    /// The kernel's answer.
    pub expected: Option<String>,
    /// The user-space host's answer where it is known to be another one.
    pub known: Option<Known>,
}

/// A difference that is known.
#[derive(Clone, Debug)]
pub struct Known {
    /// What the user-space host answers; `None` for anything.
    pub answer: String,
    /// Why.
    pub reason: String,
}

/// Marks of the lines of a case.
const EXPECTED: &str = "  => ";
const KNOWN: &str = "  =! ";

/// What a line of a case is.
pub(crate) enum Line<'a> {
    Empty,
    Title(&'a str),
    Program(&'a str),
    Inside(&'a str),
    Expected(&'a str),
    Known(&'a str),
    Step(&'a str),
}

pub(crate) fn line(text: &str) -> Line<'_> {
    if text.trim().is_empty() {
        Line::Empty
    } else if let Some(title) = text.strip_prefix("; ") {
        Line::Title(title)
    } else if let Some(name) = text.strip_prefix("prog ") {
        Line::Program(name.trim())
    } else if let Some(answer) = text.strip_prefix(EXPECTED) {
        Line::Expected(answer.trim_end())
    } else if let Some(known) = text.strip_prefix(KNOWN) {
        Line::Known(known.trim_end())
    } else if text.starts_with(' ') {
        Line::Inside(text.trim())
    } else {
        Line::Step(text.trim_end())
    }
}

/// The line of an answer.
pub(crate) fn expected_line(answer: &str) -> String {
    format!("{EXPECTED}{answer}")
}

impl Case {
    /// Reads a case whose first line is line `first` of its file.
    pub(crate) fn parse(text: &str, first: usize) -> Result<Case, String> {
        let mut case = Case {
            line: first,
            ..Case::default()
        };
        for (number, text) in text.lines().enumerate() {
            let at = first + number;
            case.take(at, text)
                .map_err(|what| format!("line {at}: {what}"))?;
        }
        Ok(case)
    }

    fn take(&mut self, at: usize, text: &str) -> Result<(), String> {
        let step = self.steps.last_mut();
        match line(text) {
            Line::Empty => {}
            Line::Title(title) if self.title.is_empty() => self.title = title.to_owned(),
            Line::Title(_) => {}
            Line::Program(name) => self.programs.push((name.to_owned(), String::new())),
            Line::Inside(insn) => {
                let (_, program) = self.programs.last_mut().ok_or("outside of a program")?;
                program.push_str(insn);
                program.push('\n');
            }
            Line::Expected(answer) => {
                step.ok_or("an answer to nothing")?.expected = Some(answer.to_owned());
            }
            Line::Known(known) => {
                let (answer, reason) = known.split_once(" : ").ok_or("no reason after ` : `")?;
                step.ok_or("an answer to nothing")?.known = Some(Known {
                    answer: answer.to_owned(),
                    reason: reason.to_owned(),
                });
            }
            Line::Step(text) => self.steps.push(Step::parse(text, at)?),
        }
        Ok(())
    }
}

impl Step {
    fn parse(text: &str, line: usize) -> Result<Step, String> {
        let mut words = words(text)?.into_iter().peekable();
        let mut step = Step {
            line,
            verb: words.next().ok_or("nothing")?.to_owned(),
            ..Step::default()
        };
        if words.next_if(|word| *word == "=").is_some() {
            step.bind = Some(step.verb);
            step.verb = words.next().ok_or("nothing is bound")?.to_owned();
        }
        step.arguments = words
            .map(|word| match word.split_once('=') {
                Some((name, value)) if !name.starts_with(['"', '[']) => {
                    (name.to_owned(), value.to_owned())
                }
                _ => (String::new(), word.to_owned()),
            })
            .collect();
        Ok(step)
    }
}

/// Splits at blanks that are not inside of brackets, braces or quotes.
pub(crate) fn words(text: &str) -> Result<Vec<&str>, String> {
    let mut words = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0_usize, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.checked_sub(1).ok_or("a bracket too many")?,
            ' ' if depth == 0 => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quoted {
        return Err("a bracket or a quote is open".to_owned());
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    Ok(words)
}
