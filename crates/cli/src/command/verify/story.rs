//! A rejection as people read it: the lines of the path with what happened there, then what is known,
//! an example, what is missing and the kernel's words.

use osmia::diag::Paint;
use osmia::explain::{Explanation, Source};

/// Columns if the terminal does not say.
const COLUMNS: usize = 100;
/// Narrower than this nothing is wrapped any more.
const COLUMNS_MIN: usize = 40;
/// Lines of the path shown; the last ones say most.
const LINES_MAX: usize = 12;

/// Longest value shown in the kernel's style.
const VALUE_CHARS_MAX: usize = 48;

/// Columns that remarks get at least.
const ROOM_MIN: usize = 50;

/// Styles of the parts.
#[derive(Copy, Clone)]
enum Style {
    Error,
    Bold,
    Frame,
    Code,
}

/// Everything there is to say about one rejection.
pub(super) fn text(explanation: &Explanation, program: &str, paint: Paint) -> String {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let columns: usize = columns.unwrap_or(COLUMNS).max(COLUMNS_MIN);
    Story {
        explanation,
        paint,
        columns,
        gutter: gutter(explanation),
        out: String::new(),
    }
    .tell(program)
}

/// Something at a line of the path.
struct Moment<'e> {
    step: usize,
    at: usize,
    source: Option<&'e Source>,
    words: String,
}

struct Story<'e> {
    explanation: &'e Explanation,
    paint: Paint,
    columns: usize,
    gutter: usize,
    out: String,
}

/// Digits of the largest line number, or of the largest slot.
fn gutter(explanation: &Explanation) -> usize {
    let events = explanation.known.iter().flat_map(|known| &known.history);
    let numbers = events.map(|event| {
        event
            .source
            .as_ref()
            .map_or(event.at, |source| source.line as usize)
    });
    let here = explanation
        .source
        .as_ref()
        .map(|source| source.line as usize)
        .or(explanation.at);
    let turnings = explanation.path.iter();
    let turnings = turnings.map(|turning| {
        turning
            .source
            .as_ref()
            .map_or(turning.at, |source| source.line as usize)
    });
    let largest = numbers
        .chain(here)
        .chain(turnings)
        .max()
        .unwrap_or_default();
    largest.to_string().len().max(2)
}

impl Story<'_> {
    fn tell(mut self, program: &str) -> String {
        self.head(program);
        self.lines();
        self.facts();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    fn head(&mut self, program: &str) {
        let explanation = self.explanation;
        let mut head = format!("error[{}]", explanation.code);
        let words = format!("{}: {}", " ".repeat(head.len()), explanation.summary);
        for part in self.wrap(&words, 4) {
            let mark = self.painted(Style::Error, &head);
            // Later parts stand by themselves.
            let text = part.trim_start();
            let indent = if head.is_empty() { "    " } else { "" };
            self.out += &format!(
                "{mark}{}\n",
                self.painted(Style::Bold, &format!("{indent}{text}"))
            );
            head.clear();
        }
        let numbered = explanation.source.as_ref().filter(|source| source.line > 0);
        let mut place = match numbered {
            Some(source) if source.column > 0 => {
                format!("{}:{}:{}", source.file, source.line, source.column)
            }
            Some(source) => format!("{}:{}", source.file, source.line),
            None => String::new(),
        };
        let program = (!program.is_empty()).then(|| format!("program {program}"));
        let at = explanation.at.map(|at| format!("instruction {at}"));
        for part in [program, at].into_iter().flatten() {
            if !place.is_empty() {
                place += ", ";
            }
            place += &part;
        }
        let arrow = self.painted(Style::Frame, &format!("{:>1$}", "-->", self.gutter + 3));
        self.out += &format!("{arrow} {place}\n");
    }

    /// The lines of the path, with what happened there.
    fn lines(&mut self) {
        let moments = moments(self.explanation);
        if moments.is_empty() {
            return;
        }
        self.bar("");
        let mut shown: Option<&Moment<'_>> = None;
        let mut lines = 0;
        let all = moments.chunk_by(same_line).count();
        for moment in &moments {
            let again = shown.is_some_and(|shown| same_line(shown, moment));
            if !again {
                lines += 1;
                let hidden = all.saturating_sub(LINES_MAX);
                if lines > 2 && lines <= 2 + hidden {
                    if lines == 3 {
                        self.bar(&format!("  … {hidden} lines left out"));
                    }
                    shown = Some(moment);
                    continue;
                }
                self.line(moment);
            } else if lines > 2 && lines <= 2 + all.saturating_sub(LINES_MAX) {
                continue;
            }
            shown = Some(moment);
            if moment.words.is_empty() {
                continue;
            }
            let last = moment.step == usize::MAX;
            let mark = if last { "^ " } else { "- " };
            let style = if last { Style::Error } else { Style::Frame };
            // Under the column it is about, unless too little room is left beside it.
            let column = moment
                .source
                .map_or(0, |source| source.inside as usize)
                .saturating_sub(1);
            let column = if column + ROOM_MIN + self.gutter > self.columns {
                0
            } else {
                column
            };
            for (number, part) in self
                .wrap(&moment.words, self.gutter + column + 5)
                .into_iter()
                .enumerate()
            {
                let mark = if number == 0 { mark } else { "  " };
                let text = self.painted(style, &format!("{mark}{part}"));
                self.bar(&format!("{:column$}{text}", ""));
            }
        }
        self.bar("");
    }

    /// A source line, or an instruction where no line is known.
    fn line(&mut self, moment: &Moment<'_>) {
        let (number, text) = match moment.source {
            // Older logs do not number lines.
            Some(source) if source.line == 0 => (String::new(), source.text.clone()),
            Some(source) => (source.line.to_string(), source.text.clone()),
            None => (moment.at.to_string(), self.instruction(moment.at)),
        };
        let room = self.columns.saturating_sub(self.gutter + 3).max(20);
        let text = match text.char_indices().nth(room) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        let number = self.painted(Style::Frame, &format!("{number:>0$} |", self.gutter));
        self.out += &format!("{number} {text}\n");
    }

    /// The text of an instruction, if the explanation has it.
    fn instruction(&self, at: usize) -> String {
        let explanation = self.explanation;
        if explanation.at == Some(at) {
            return explanation.insn.clone().unwrap_or_default();
        }
        let turning = explanation.path.iter().find(|turning| turning.at == at);
        if let Some(turning) = turning {
            return turning.insn.clone();
        }
        let events = explanation.known.iter().flat_map(|known| &known.history);
        let mut found = events.filter(|event| event.at == at);
        found
            .next()
            .map_or(String::new(), |event| event.insn.clone())
    }

    fn facts(&mut self) {
        let explanation = self.explanation;
        for known in &explanation.known {
            let name = match &known.name {
                Some(name) => format!("`{name}` ({})", known.register),
                None => known.register.clone(),
            };
            let mut text = format!("{name} is {}", known.words);
            if known.words == "nothing" {
                continue;
            }
            // Long ones are for machines.
            if known.value.len() <= VALUE_CHARS_MAX {
                text += &format!(" [{}]", known.value);
            }
            self.fact("known", &text);
        }
        if explanation.branches_left_out > 0 {
            let branches = if explanation.branches_left_out == 1 {
                "branch"
            } else {
                "branches"
            };
            self.fact(
                "path",
                &format!(
                    "{} instructions; {} more {branches} on it tell nothing about this",
                    explanation.steps, explanation.branches_left_out
                ),
            );
        }
        if let Some(example) = &explanation.example {
            self.fact("for example", example);
        }
        if !explanation.kernel.is_empty() {
            self.fact("kernel says", &explanation.kernel.join("; "));
        }
        if let Some(help) = &explanation.help {
            self.fact("help", help);
        }
        if let Some(missing) = &explanation.missing {
            let place = match &missing.before {
                Some(source) if source.line == 0 => format!("add before `{}`", source.text),
                Some(source) => format!("add before line {}", source.line),
                None => "add before it".to_owned(),
            };
            self.fact("help", &format!("{place}:"));
            for line in &missing.code {
                let line = line.replace('\t', "    ");
                let code = self.painted(Style::Code, &format!("+   {line}"));
                self.out += &format!("{:1$} {code}\n", "", self.gutter + 1);
            }
        }
    }

    fn fact(&mut self, what: &str, text: &str) {
        let indent = self.gutter + 4;
        let first = what.len() + 2;
        let parts = self.wrap(&format!("{}{text}", " ".repeat(first)), indent);
        for (number, part) in parts.into_iter().enumerate() {
            if number == 0 {
                let equals = self.painted(Style::Frame, &format!("{:>1$}", "=", self.gutter + 2));
                let what = self.painted(Style::Bold, what);
                self.out += &format!("{equals} {what}: {}\n", part.trim_start());
            } else {
                self.out += &format!("{:1$}{part}\n", "", indent + 1);
            }
        }
    }

    fn bar(&mut self, text: &str) {
        let bar = self.painted(Style::Frame, &format!("{:>1$}", "|", self.gutter + 2));
        self.out += &bar;
        if !text.is_empty() {
            self.out += &format!(" {text}");
        }
        self.out.push('\n');
    }

    /// Breaks a text into lines that fit beside an indent.
    fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let room = self.columns.saturating_sub(indent).max(20);
        let mut lines = vec![String::new()];
        let leading = text.len() - text.trim_start().len();
        let mut width = leading;
        lines[0].push_str(&text[..leading]);
        for word in text.split_whitespace() {
            let count = word.chars().count();
            let line = lines.last_mut().expect("there is a line");
            let empty = line.trim().is_empty();
            if !empty && width + 1 + count > room {
                lines.push(word.to_owned());
                width = count;
                continue;
            }
            if !empty {
                line.push(' ');
                width += 1;
            }
            line.push_str(word);
            width += count;
        }
        lines
    }

    fn painted(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Error => "1;31",
            Style::Bold => "1",
            Style::Frame => "1;34",
            Style::Code => "32",
        };
        match self.paint {
            Paint::Ansi if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

fn same_line(a: &Moment<'_>, b: &Moment<'_>) -> bool {
    match (a.source, b.source) {
        (Some(a), Some(b)) => a.same_line(b),
        (None, None) => a.at == b.at,
        _ => false,
    }
}

/// What happened on the path, in its order; what was asked last.
fn moments(explanation: &Explanation) -> Vec<Moment<'_>> {
    let mut found = Vec::new();
    if let Some(before) = &explanation.before {
        found.push(Moment {
            step: before.step,
            at: before.at,
            source: before.source.as_ref(),
            words: before.words.clone(),
        });
    }
    for known in &explanation.known {
        for event in &known.history {
            found.push(Moment {
                step: event.step,
                at: event.at,
                source: event.source.as_ref(),
                words: event.words.clone(),
            });
        }
    }
    for turning in &explanation.path {
        let to = turning
            .goes_on
            .as_ref()
            .map_or(String::new(), |source| format!("→ line {}", source.line));
        let words = match (&turning.source, turning.times) {
            (None, _) if turning.taken => "jumps".to_owned(),
            (None, _) => "does not jump".to_owned(),
            (_, 1) => to,
            (_, times) if to.is_empty() => format!("{times} turns"),
            (_, times) => format!("{to}, after {times} turns"),
        };
        found.push(Moment {
            step: turning.step,
            at: turning.at,
            source: turning.source.as_ref(),
            words,
        });
    }
    found.sort_by_key(|moment| moment.step);
    // Of branches of one line that lead to the same place the last one counts.
    for at in (1..found.len()).rev() {
        let (before, here) = found.split_at(at);
        let repeats = |other: &&Moment<'_>| same_line(other, &here[0]);
        let run = before
            .iter()
            .rev()
            .take_while(repeats)
            .position(|other| other.words.starts_with('→') && other.words == here[0].words);
        if let Some(back) = run {
            found.remove(at - 1 - back);
        }
    }
    found.dedup_by(|next, last| same_line(next, last) && next.words == last.words);
    if let Some(at) = explanation.at {
        found.push(Moment {
            step: usize::MAX,
            at,
            source: explanation.source.as_ref(),
            words: explanation.asked.clone().unwrap_or_default(),
        });
    }
    found
}
