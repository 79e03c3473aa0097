#compdef bucardo_ctl bucardo
# Completion for bucardo_ctl and bucardo, in zsh.
_bucardo_ctl() {
    local line word
    local -a whole shown open
    for line in "${(@f)$("$words[1]" completion words -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)}"; do
        word=${line%%$'\t'*}
        if [[ $word == *= ]]; then
            open+=("$word")
        elif [[ -n $word ]]; then
            whole+=("$word")
            shown+=("${line/$'\t'/  -- }")
        fi
    done
    (( $#open )) && compadd -S '' -a open
    (( $#whole )) && compadd -l -d shown -a whole
}
if [[ $funcstack[1] == _bucardo_ctl ]]; then _bucardo_ctl "$@"; else compdef _bucardo_ctl bucardo_ctl bucardo; fi
