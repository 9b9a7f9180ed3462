# What both checks count with; $program is cost_paths.

# count <path> <pairs> [lent|idle|pieces <MiB>]: hundredths of an instruction a pair
count() {
  local out
  out=$(mktemp)
  valgrind --tool=callgrind --instr-atstart=no --toggle-collect=measured --callgrind-out-file="$out" "$program" "$@" \
    > "$out.log" 2>&1 || {
    cat "$out.log" >&2
    exit 1
  }
  awk -v pairs="$2" '/^totals:/ {printf "%d\n", $2 * 100 / pairs; exit}' "$out"
  rm -f "$out" "$out.log"
}

show() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }
