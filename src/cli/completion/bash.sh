# Completion for bucardo_ctl and bucardo.
_bucardo_ctl() {
    local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} words=() word value= glue= key= list=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ -n $value ]]; then
            # The value of an option, which may have an equals sign of its own before it.
            [[ $word == = ]] || value=
        elif [[ $word == = && ${#words[@]} -gt 0 ]]; then
            words[-1]+=$word glue=1
        elif [[ -n $glue ]]; then
            words[-1]+=$word glue=
        elif [[ ${word#-} =~ ^-?(@VALUED@)$ && $word == -* ]]; then
            value=1
        elif [[ $word != -* && $word != = ]]; then
            words+=("$word")
        fi
    done
    COMPREPLY=()
    [[ -z $value ]] || return 0
    if [[ $cur == = && ${#words[@]} -gt 0 ]]; then
        key=${words[-1]} cur=
    elif [[ -n $glue ]]; then
        key=${words[-1]%=}
    fi
    if [[ $cur == -* ]]; then
        list='@OPTIONS@'
    elif [[ -n $key || $cur == [a-z]*=* ]]; then
        _bucardo_ctl_value
        return 0
    elif (( ${#words[@]} == 0 )); then
        list='@VERBS@'
    else
        _bucardo_ctl_words
    fi
    COMPREPLY=($(compgen -W "$list" -- "$cur"))
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2> /dev/null
    return 0
}
_bucardo_ctl_names() {
    "$program" completion names "$1" 2> /dev/null
}
# What may stand behind key=.
_bucardo_ctl_value() {
    local before=
    [[ -n $key ]] || { key=${cur%%=*} before=$key= cur=${cur#*=}; }
    case $key in
        db | dbs | database | databases | targetdb) list=$(_bucardo_ctl_names db) ;;
        source | herd | relgroup) list=$(_bucardo_ctl_names herd) ;;
        group | dbgroup | targetgroup) list=$(_bucardo_ctl_names dbgroup) ;;
        sync) list=$(_bucardo_ctl_names sync) ;;
        table | tables | goat | relation) list=$(_bucardo_ctl_names table) ;;
        status) list='active inactive' ;;
    esac
    COMPREPLY=($(compgen -P "$before" -W "$list" -- "$cur"))
}
# The types that a verb is about.
_bucardo_ctl_types() {
    case $1 in
@TYPES@
    esac
    [[ ${program##*/} == bucardo && $1 == @LIST@ ]] && list+=' all config'
    return 0
}
# What may follow a verb.
_bucardo_ctl_words() {
    case ${words[0]} in
        @SYNCS@)
            list=$(_bucardo_ctl_names sync)
            [[ ${words[0]} == @NOT_ALL@ && ${program##*/} != bucardo ]] || list="all $list" ;;
        @SETTINGS@) list="all $(_bucardo_ctl_names setting)" ;;
        @DBS@) list="totals $(_bucardo_ctl_names db)" ;;
        clone) list='sync=' ;;
        purge) list=all ;;
        @NOUNS@)
            if (( ${#words[@]} == 1 )); then
                _bucardo_ctl_types "${words[0]}"
            elif [[ ${words[1]} == all ]]; then
                list='tables sequences'
            else
                list=$(_bucardo_ctl_names "${words[1]}")
            fi ;;
        @HELP@) if (( ${#words[@]} == 1 )); then list='@VERBS@'; else _bucardo_ctl_types "${words[1]}"; fi ;;
    esac
}
complete -F _bucardo_ctl bucardo_ctl bucardo
