//! `osmia prog`: loaded programs.

use clap::{Args, Subcommand};
use osmia::Error;
use osmia::live::{ObjectKind, ProgramRow, Words};

use super::flags::NounFlags;
use super::show::{Shower, only, pinnable, row_json};
use super::{prog_dump, prog_run};
use crate::console::Console;
use crate::exit::Exit;

/// Look at loaded programs and run them, in bpftool's words.
#[derive(Args)]
#[command(after_help = "\
PROG is `id N`, `pinned PATH`, `tag T` or `name NAME`.

Examples:
  osmia prog show --on linux
  osmia prog dump xlated name hello linum --on linux
  osmia prog run pinned /sys/fs/bpf/hello data_in packet.bin repeat 1000 --on linux")]
pub(crate) struct ProgCommand {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) flags: NounFlags,
}

#[derive(Subcommand)]
enum Verb {
    /// Say what is known about programs: `[PROG]`
    #[command(alias = "list")]
    Show { words: Vec<String> },
    /// Print instructions: `xlated PROG [file F | [opcodes] [linum] [visual]]`
    Dump { words: Vec<String> },
    /// Make a program findable at a path: `PROG PATH`
    Pin { words: Vec<String> },
    /// Run a program on an input: `PROG data_in F [data_out F [data_size_out N]] [ctx_in F [ctx_out F [ctx_size_out N]]] [repeat N]`
    Run { words: Vec<String> },
}

impl ProgCommand {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let mut shower = Shower::new(console, &self.flags);
        match self.verb {
            Verb::Show { words } => show(words, &self.flags, &mut shower)?,
            Verb::Dump { words } => prog_dump::run(words, &self.flags, &mut shower)?,
            Verb::Pin { words } => pin(words, &self.flags, &mut shower)?,
            Verb::Run { words } => prog_run::run(words, &self.flags, &mut shower)?,
        }
        Ok(Exit::Ok)
    }
}

fn show(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<(), Error> {
    let usage = "osmia prog show [id N | pinned PATH | tag T | name NAME]";
    let (rows, is_list) = pinnable(words, usage, flags, ObjectKind::Program, ProgramRow::of)?;
    shower.rows(&rows, is_list, row_json, text);
    Ok(())
}

fn text(row: &ProgramRow) -> String {
    let mut text = format!("{}: {}", row.id, row.kind);
    if !row.name.is_empty() {
        text.push_str(&format!("  name {}", row.name));
    }
    text.push_str(&format!("  tag {}", row.tag));
    if row.gpl_compatible {
        text.push_str("  gpl");
    }
    if let (Some(time), Some(count)) = (row.run_time_ns, row.run_cnt) {
        text.push_str(&format!(" run_time_ns {time} run_cnt {count}"));
    }
    if let Some(misses) = row.recursion_misses {
        text.push_str(&format!(" recursion_misses {misses}"));
    }
    text.push('\n');
    if let (Some(at), Some(uid)) = (row.loaded_at, row.uid) {
        text.push_str(&format!("\tloaded_at {}  uid {uid}\n", date(at)));
    }
    text.push_str(&format!("\txlated {}B", row.bytes_xlated));
    match row.bytes_jited {
        Some(bytes) => text.push_str(&format!("  jited {bytes}B")),
        None => text.push_str("  not jited"),
    }
    if let Some(bytes) = row.bytes_memlock {
        text.push_str(&format!("  memlock {bytes}B"));
    }
    if !row.map_ids.is_empty() {
        let ids: Vec<String> = row.map_ids.iter().map(u32::to_string).collect();
        text.push_str(&format!("  map_ids {}", ids.join(",")));
    }
    for path in &row.pinned {
        text.push_str(&format!("\n\tpinned {path}"));
    }
    if let Some(id) = row.btf_id {
        text.push_str(&format!("\n\tbtf_id {id}"));
    }
    text.push('\n');
    text
}

/// Seconds since 1970 as a date of universal time.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from the first of March of year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = match month {
        0..=9 => (month + 3, year + 400 * era),
        _ => (month - 9, year + 400 * era + 1),
    };
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}+0000")
}

fn pin(words: Vec<String>, flags: &NounFlags, shower: &mut Shower<'_>) -> Result<(), Error> {
    let mut words = Words::new(words, "osmia prog pin PROG PATH");
    let selector = words.selector()?;
    let path = words.next("a path")?;
    words.end()?;
    only(&flags.live()?, ObjectKind::Program, &selector)?.pin(&path)?;
    shower.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(date(0), "1970-01-01T00:00:00+0000");
        assert_eq!(date(951_782_399), "2000-02-28T23:59:59+0000");
        assert_eq!(date(951_868_799), "2000-02-29T23:59:59+0000");
        assert_eq!(date(1_795_308_854), "2026-11-22T00:54:14+0000");
    }
}
