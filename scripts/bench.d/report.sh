# Figures: collected in a file as they come, shown as tables, written as JSON.

# figure NAME VALUE
figure() { printf '%s %s\n' "$1" "$2" >>"$figures"; }

# goal NAME RATIO OPERATOR LIMIT TEXT: whether a promise is kept.
goal() {
    local kept=no
    awk "BEGIN { exit !($2 $3 $4) }" && kept=yes
    figure "$1.goal_kept" "\"$kept\""
    printf '  goal: %-62s %8s  %s\n' "$5" "$2" "$([ $kept = yes ] && echo kept || echo MISSED)"
}

heading() { printf '\n%s\n' "$1"; }

# row TITLE VALUE ...
row() {
    printf '  %-34s' "$1"
    shift
    printf ' %12s' "$@"
    printf '\n'
}

report() {
    figure postgresql "\"$version\""
    figure processors "$(nproc)"
    figure date "\"$(date -u +%FT%TZ)\""
    [ -z "$json" ] || { sed 's/^\([^ ]*\) \(.*\)$/  "\1": \2/; $!s/$/,/' "$figures" | { echo '{'; cat; echo '}'; } >"$json"; }
}
