# Completion for bucardo_ctl and bucardo, in fish.
function __bucardo_ctl_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    $before[1] completion words -- $before[2..-1] "$current" 2>/dev/null
end
complete -c bucardo_ctl -f -a '(__bucardo_ctl_words)'
complete -c bucardo -f -a '(__bucardo_ctl_words)'
