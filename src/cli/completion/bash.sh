# Completion for bucardo_ctl and bucardo, in bash.
_bucardo_ctl() {
    local line word
    COMPREPLY=()
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        [[ $word == *[![:alnum:]_.,:=/@%+-]* ]] && printf -v word %q "$word"
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2> /dev/null
    return 0
}
complete -F _bucardo_ctl bucardo_ctl bucardo
