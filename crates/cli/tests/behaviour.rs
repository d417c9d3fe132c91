//! What a screen does not show: pipes, files that are written, signals.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use osmia::capture::{CaptureReader, CaptureWriter, LinkType, Packet};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn osmia(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_osmia"));
    command.current_dir(top()).args(words.split_whitespace());
    command
}

fn output(words: &str) -> Output {
    osmia(words).output().unwrap()
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut child = osmia("inspect examples/loop.bpf.o --stage insns")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(complaint, "");
}

#[test]
fn a_capture_may_come_from_a_pipe() {
    let mut child = osmia("run examples/hello.bpf.o --pcap -")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let capture = std::fs::read(top().join("examples/ping.pcap")).unwrap();
    child.stdin.take().unwrap().write_all(&capture).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("hello (xdp): 21 packets of -"));
}

#[test]
fn packets_that_go_on_are_written_as_the_program_left_them() {
    let scratch = tempfile::tempdir().unwrap();
    let left = scratch.path().join("left.pcap");
    let words = format!(
        "run examples/classify.bpf.o --pcap examples/ping.pcap --pcap-out {}",
        left.display()
    );
    assert!(output(&words).status.success());
    let packets = |path: &Path| {
        let mut reader = CaptureReader::new(std::fs::File::open(path).unwrap()).unwrap();
        let mut packets = Vec::new();
        let mut packet = Packet::default();
        while reader.read(&mut packet).unwrap() {
            packets.push(packet.clone());
        }
        packets
    };
    let before = packets(&top().join("examples/ping.pcap"));
    let after = packets(&left);
    assert_eq!((before.len(), after.len()), (21, 20), "one was dropped");
    let ttl = |packet: &Packet| packet.data[14 + 8];
    assert_eq!(ttl(&after[2]), ttl(&before[2]) - 1);
    assert_eq!(after[2].timestamp_ns, before[2].timestamp_ns);
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish"] {
        let out = output(&format!("completions {shell}"));
        assert!(out.status.success());
        assert!(
            String::from_utf8_lossy(&out.stdout).contains("inspect"),
            "{shell}"
        );
    }
}

#[test]
fn colour_obeys_the_environment() {
    let words = "inspect examples/hello.bpf.o";
    let forced = osmia(words).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
    let refused = osmia(words)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!refused.stdout.contains(&0x1b));
    assert!(
        !output(words).stdout.contains(&0x1b),
        "a pipe is no terminal"
    );
}

/// Feeds packets until the process has been interrupted, and reads what it says then.
#[test]
#[cfg(unix)]
fn ctrl_c_prints_what_was_collected() {
    let mut child = osmia("run examples/percpu.bpf.o --pcap -")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut writer = CaptureWriter::new(child.stdin.take().unwrap(), LinkType::ETHERNET).unwrap();
    let pid = child.id().to_string();
    // Far more than a pipe holds: once these are written the program is running.
    for _ in 0..5_000 {
        writer.write(&[0; 60], 60, None).unwrap();
    }
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    if !sent.is_ok_and(|status| status.success()) {
        osmia::diag::skipped("interruption by a signal", "there is no `kill`");
        child.kill().and_then(|()| child.wait()).unwrap();
        return;
    }
    // It stops reading after the packet it is at; the pipe then breaks.
    while writer.write(&[0; 60], 60, None).is_ok() {}
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains(", interrupted"), "{text}");
    assert!(text.contains("map by_length"), "{text}");
}

#[test]
fn two_runs_with_a_seed_print_the_same() {
    let words = "run examples/sockets.bpf.o --prog connect4 --ctx examples/sockets-connect4.toml \
                 --seed 7 --clock step:5,1 --cpus 2 --cpu 1 --comm sh --uid 5 --json";
    let timeless = |output: Output| {
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.lines().map(|line| {
            // How long it took is the one thing that may differ.
            line.split(",\"duration_ns\":").next().unwrap().to_owned()
        });
        rows.collect::<Vec<_>>()
    };
    let first = timeless(output(words));
    assert!(first.len() > 3);
    assert_eq!(first, timeless(output(words)));
}

#[test]
fn descriptions_may_come_line_by_line() {
    let mut child = osmia("run examples/sockets.bpf.o --prog allowed --ctx - --uid 5 --json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = b"{\"ctx\":{\"major\":1,\"minor\":3}}\n\n{\"ctx\":{\"major\":2}}\n";
    child.stdin.take().unwrap().write_all(lines).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let values: Vec<bool> = text
        .lines()
        .filter(|line| line.contains("\"type\":\"run\""))
        .map(|line| line.contains("\"value\":1"))
        .collect();
    assert_eq!(values, [true, false]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_run_that_waits_for_input() {
    for input in [
        "examples/hello.bpf.o --pcap -",
        "examples/sockets.bpf.o --prog keep --ctx -",
    ] {
        let mut child = osmia(&format!("run {input} --unverified"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if input.contains("--pcap") {
            let capture = std::fs::read(top().join("examples/ping.pcap")).unwrap();
            stdin.write_all(&capture).unwrap();
        } else {
            stdin.write_all(b"{}\n").unwrap();
        }
        // The note that it begins, unverified, says that the handler is set.
        let mut note = [0; 16];
        child
            .stderr
            .as_mut()
            .unwrap()
            .read_exact(&mut note)
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let pid = child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(kill.success());
        let out = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(out.status.code(), Some(0), "{input}");
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(text.contains(", interrupted"), "{input}: {text}");
    }
}

#[test]
fn sarif_has_the_shape_editors_expect() {
    let run = output("verify tests/gallery/20-index-off-by-one.bpf.o --sarif");
    assert_eq!(run.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "osmia");
    let result = &run["results"][0];
    let rule = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(driver["rules"][rule]["id"], result["ruleId"]);
    assert_eq!(result["ruleId"], "verify-map-value-bounds");
    assert!(result["message"]["text"].is_string());
    let place = &result["locations"][0]["physicalLocation"];
    let file = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(top().join(file).is_file(), "{file}");
    assert_eq!(place["region"]["startLine"], 19);
    let flow = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    for step in flow.as_array().unwrap() {
        assert!(step["location"]["message"]["text"].is_string());
        let region = &step["location"]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64().unwrap() >= 1);
    }
}
