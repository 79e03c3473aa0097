-- Every channel on which processes of the daemon or commands listen, quoted.
select quote_ident(channel)
from (
    select unnest(array['bucardo_mcp_fullstop', 'bucardo_mcp_reload', 'bucardo_reload_config', 'bucardo_mcp_ping', 'bucardo_log_message',
                        'bucardo_validate_sync', 'bucardo_check_db', 'bucardo_ctl_ready', 'bucardo_room', 'bucardo_connections_wanted',
                        'bucardo_started', 'bucardo_mcp_hears', 'bucardo_mcp_pong', 'bucardo_reload_config_finished', 'bucardo_reloaded_mcp'])
    union all
    select bucardo.fitted_name('bucardo_' || verb || '_sync_' || s.name)
    from bucardo.sync s,
         unnest(array['kick', 'reload', 'activate', 'deactivate', 'pause', 'resume', 'reloaded', 'activated', 'deactivated', 'validated']) verb
    union all
    select bucardo.fitted_name('bucardo_' || what || '_' || s.name)
    from bucardo.sync s, unnest(array['ctl_kick', 'syncdone', 'synckill', 'syncerror']) what
    union all
    select bucardo.fitted_name('bucardo_' || what || '_' || s.name || '_' || d.name)
    from bucardo.sync s, bucardo.db d, unnest(array['q', 'syncdone', 'synckill']) what
) as channels (channel)
