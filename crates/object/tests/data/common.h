// SPDX-License-Identifier: MIT OR Apache-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define LICENSE char license_text[] SEC("license") = "Dual MIT/GPL"
