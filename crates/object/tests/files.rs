//! Every committed object as text: what was read and what it links to. Snapshots are re-blessed
//! with `INSTA_UPDATE=always cargo test -p osmia-object`.

mod render;

use std::path::{Path, PathBuf};

use osmia_object::{LinkOptions, Object};

fn objects(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o"))
        .collect();
    paths.sort();
    paths
}

/// The object as text, or why it is none.
fn told(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy();
    let bytes = std::fs::read(path).unwrap();
    let object = match Object::parse(&bytes, &name) {
        Ok(object) => object,
        Err(error) => return render::diagnostics(&error.to_diagnostics()),
    };
    let target = render::target(object.endian());
    let mut notes = Vec::new();
    let linked = match object.link_noting(&target, &LinkOptions::default(), &mut notes) {
        Ok(set) => render::set(&set),
        Err(error) => render::diagnostics(&error.to_diagnostics()),
    };
    format!(
        "{}\n# linked\n{}{linked}",
        render::object(&object),
        render::diagnostics(&notes)
    )
}

#[test]
fn examples_link() {
    for path in objects("../../examples") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("example-{name}"), told(&path));
    }
}

#[test]
fn own_objects_link() {
    for path in objects("tests/data") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::assert_snapshot!(name, told(&path));
    }
}
