//! `docs/features.md`: what the user-space host has, from the tables the product is made of.

use std::fmt::Write;

use osmia::feature;

use crate::Verdict;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compare with what is committed and change nothing
    #[arg(long)]
    check: bool,
}

const PATH: &str = "docs/features.md";

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let page = page()?;
    let path = place::root().join(PATH);
    if options.check {
        if std::fs::read_to_string(&path).is_ok_and(|found| found == page) {
            println!("{PATH} is current");
            return Ok(Verdict::Holds);
        }
        println!("{PATH} is not current: run `cargo xtask features` and commit the result");
        return Ok(Verdict::Fails);
    }
    std::fs::write(path, page)?;
    println!("wrote {PATH}");
    Ok(Verdict::Holds)
}

fn page() -> Result<String, std::fmt::Error> {
    let mut page = String::from(
        "# Features\n\nWhat Linux 6.18 has for programs, and what of it the user-space host has. `osmia feature list` \
         prints the same;\n`cargo xtask features` writes this page.\n",
    );
    let prog_types = feature::prog_types();
    writeln!(
        page,
        "\n## Program types\n\nHelpers are counted over all attach types. Programs of type `ext` run as part of \
         the program they extend.\n\n| type | context | packet | helpers | here |\n|---|---|---|--:|--:|"
    )?;
    for row in prog_types {
        let feature::ProgTypeFeature {
            name,
            context,
            packet,
            helpers,
            helpers_here,
            ..
        } = row;
        writeln!(
            page,
            "| `{name}` | {context} | {packet} | {helpers} | {helpers_here} |"
        )?;
    }
    let map_types = feature::map_types();
    let rows = map_types.iter().map(|row| (row.name, row.here)).collect();
    presence(&mut page, "Map types", rows)?;
    helpers(&mut page)?;
    let kfuncs = feature::kfuncs();
    let rows = kfuncs.iter().map(|row| (row.name, row.here)).collect();
    presence(&mut page, "Kernel functions", rows)?;
    Ok(page)
}

fn presence(page: &mut String, title: &str, rows: Vec<(&str, bool)>) -> std::fmt::Result {
    let list = |wanted: bool| {
        let names = rows.iter().filter(|(_, here)| *here == wanted);
        let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    };
    let here = rows.iter().filter(|(_, here)| *here).count();
    writeln!(
        page,
        "\n## {title}\n\n{here} of {} are here: {}.\n\nNot here: {}.",
        rows.len(),
        list(true),
        list(false)
    )
}

fn helpers(page: &mut String) -> std::fmt::Result {
    let rows = feature::helpers(None);
    let here = rows.iter().filter(|row| row.here).count();
    writeln!(
        page,
        "\n## Helpers\n\n{here} of {} are here.\n\n| # | helper | here | needs | programs |\n|--:|---|---|---|---|",
        rows.len()
    )?;
    for row in rows {
        let here = if row.here { "yes" } else { "no" };
        let needs = match (row.gpl_only, row.sleeps) {
            (true, true) => "GPL, sleep",
            (true, false) => "GPL",
            (false, true) => "sleep",
            (false, false) => "",
        };
        writeln!(
            page,
            "| {} | `{}` | {here} | {needs} | {} |",
            row.id, row.name, row.programs_text
        )?;
    }
    Ok(())
}
