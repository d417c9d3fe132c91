//! Who may know whom: dependencies between the crates against the table in ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Tree, folder_name};
use crate::place::{self, Error};

/// Edges inside one row that the table's text allows.
const ALLOWED: [(&str, &str); 1] = [("isa", "diag")];

/// Edges that the rows would allow and the column "does not know" forbids.
const FORBIDDEN: [(&str, &str); 1] = [("user", "object")];

/// The crates of the workspace by folder name, with the folders of those they use.
struct Workspace {
    edges: BTreeMap<String, Vec<Edge>>,
}

struct Edge {
    to: String,
    for_tests: bool,
}

impl Workspace {
    fn read(tree: &Tree) -> Result<Workspace, Error> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let text = place::run(Command::new(cargo).current_dir(&tree.root).args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--offline",
        ]))?;
        let metadata: Value = serde_json::from_slice(&text)?;
        let packages = metadata["packages"]
            .as_array()
            .ok_or("cargo metadata has no packages")?;
        let mut edges = BTreeMap::new();
        for package in packages {
            let manifest = package["manifest_path"]
                .as_str()
                .ok_or("a package without a path")?;
            let from = folder_name(Path::new(manifest)).ok_or("a package without a folder")?;
            let to = package["dependencies"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|edge| {
                    let path = edge["path"].as_str()?;
                    Some(Edge {
                        to: Path::new(path).file_name()?.to_str()?.to_owned(),
                        for_tests: edge["kind"] == "dev",
                    })
                });
            edges.insert(from.to_owned(), to.collect());
        }
        Ok(Workspace { edges })
    }
}

/// The rows of ARCHITECTURE.md: crate folder → row.
fn rows(tree: &Tree) -> Result<BTreeMap<String, u32>, Error> {
    let text = tree.text("ARCHITECTURE.md")?;
    let cells = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let row = cells.next()?.parse().ok()?;
        let name = cells.next()?.trim_matches('`');
        Some((name.to_owned(), row))
    });
    Ok(cells.collect())
}

/// Every edge goes to a lower row. Tests may also use a crate of the same row.
pub(super) fn follow_the_rows(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    let rows = rows(tree)?;
    for (from, edges) in &Workspace::read(tree)?.edges {
        let Some(&row) = rows.get(from) else { continue };
        for edge in edges {
            let pair = (from.as_str(), edge.to.as_str());
            let Some(&other) = rows.get(&edge.to) else {
                complaints.push(format!(
                    "{from} uses {}, which no product crate may",
                    edge.to
                ));
                continue;
            };
            let lower = other < row || (edge.for_tests && other == row) || ALLOWED.contains(&pair);
            if !lower {
                complaints.push(format!("{from} (row {row}) uses {} (row {other})", edge.to));
            } else if FORBIDDEN.contains(&pair) && !edge.for_tests {
                complaints.push(format!("{from} uses {}, which it must not know", edge.to));
            }
        }
    }
    Ok(())
}

/// Every crate has a row, `xtask` a mention.
pub(super) fn are_in_the_architecture(
    tree: &Tree,
    complaints: &mut Vec<String>,
) -> Result<(), Error> {
    let rows = rows(tree)?;
    let workspace = Workspace::read(tree)?;
    for name in workspace
        .edges
        .keys()
        .filter(|name| *name != "xtask" && !rows.contains_key(*name))
    {
        complaints.push(format!("ARCHITECTURE.md has no row for {name}"));
    }
    for name in rows
        .keys()
        .filter(|name| !workspace.edges.contains_key(*name))
    {
        complaints.push(format!(
            "ARCHITECTURE.md has a row for {name}, which does not exist"
        ));
    }
    if !tree.text("ARCHITECTURE.md")?.contains("`xtask`") {
        complaints.push("ARCHITECTURE.md does not mention xtask".into());
    }
    Ok(())
}

/// Every third-party line of the workspace's dependency table ends in a comment that says why.
pub(super) fn have_reasons(tree: &Tree, complaints: &mut Vec<String>) -> Result<(), Error> {
    let text = tree.text("Cargo.toml")?;
    let table = text
        .split("[workspace.dependencies]")
        .nth(1)
        .unwrap_or_default();
    let lines = table.lines().take_while(|line| !line.starts_with('['));
    for line in lines.filter(|line| line.contains('=') && !line.contains("path =")) {
        if !line.contains(" # ") {
            complaints.push(format!("Cargo.toml: no reason given for `{line}`"));
        }
    }
    for file in tree
        .with_ending("Cargo.toml")
        .filter(|file| file.starts_with("crates/"))
    {
        let text = tree.text(file)?;
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && line.contains('=') && !line.contains("workspace = true") {
                complaints.push(format!("{file}: `{line}` does not come from the workspace"));
            }
        }
    }
    Ok(())
}
