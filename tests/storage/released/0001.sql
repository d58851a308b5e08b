-- An embedded database at revision 0001, as Didier of 2026-11-23 made it, with rows in each table.
BEGIN TRANSACTION;
CREATE TABLE didier_batch_items (
	batch_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	target VARCHAR(50) NOT NULL, 
	did_id INTEGER, 
	outcome VARCHAR(10) NOT NULL, 
	PRIMARY KEY (batch_id, position)
)
 WITHOUT ROWID

;
INSERT INTO "didier_batch_items" VALUES(41,41,'target 1',41,'outcome 1');
INSERT INTO "didier_batch_items" VALUES(42,42,'target 2',42,'outcome 2');
CREATE TABLE didier_batches (
	batch_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	created_at DATETIME NOT NULL, 
	user_name VARCHAR(20) NOT NULL, 
	address VARCHAR(45) NOT NULL, 
	source_id INTEGER NOT NULL, 
	source_pattern VARCHAR(50) NOT NULL, 
	overrides TEXT, 
	requested INTEGER NOT NULL, 
	added INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	high_water INTEGER, 
	guard VARCHAR(64)
);
INSERT INTO "didier_batches" VALUES(41,'2026-03-01 05:06:07','admin','address 1',41,'source_pattern 1','overrides 1',41,41,'state 1',41,'guard 1');
INSERT INTO "didier_batches" VALUES(42,'2026-03-02 05:06:07','gone','address 2',42,'source_pattern 2','overrides 2',42,42,'state 2',42,'guard 2');
CREATE TABLE didier_lockouts (
	user_name VARCHAR(100) NOT NULL, 
	locked_at FLOAT NOT NULL, 
	PRIMARY KEY (user_name)
);
INSERT INTO "didier_lockouts" VALUES('admin',6.5);
INSERT INTO "didier_lockouts" VALUES('gone',7.5);
CREATE TABLE didier_settings (
	name VARCHAR(50) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "didier_settings" VALUES('demo','Y');
INSERT INTO "didier_settings" VALUES('name 1','value 1');
INSERT INTO "didier_settings" VALUES('name 2','value 2');
CREATE TABLE didier_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT didier_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "didier_version" VALUES('0001');
CREATE TABLE servers (
	server_id VARCHAR(10) COLLATE "NOCASE" NOT NULL, 
	server_description VARCHAR(255) COLLATE "NOCASE", 
	server_ip VARCHAR(15) COLLATE "NOCASE" NOT NULL, 
	active VARCHAR(1) COLLATE "NOCASE", 
	local_gmt VARCHAR(6) COLLATE "NOCASE" DEFAULT '-5.00', 
	rebuild_conf_files VARCHAR(1) COLLATE "NOCASE" DEFAULT 'Y', 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---'
);
INSERT INTO "servers" VALUES('erver_id 1','server_description 1','server_ip 1','1','_gmt 1','1','user_group 1');
INSERT INTO "servers" VALUES('erver_id 2','server_description 2','server_ip 2','2','_gmt 2','2','user_group 2');
CREATE TABLE system_settings (
	version VARCHAR(50) COLLATE "NOCASE", 
	use_non_latin VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	webroot_writable VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	auto_user_add_value INTEGER DEFAULT '101', 
	custom_fields_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	pass_hash_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	pass_key VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	pass_cost INTEGER DEFAULT '2', 
	reload_timestamp DATETIME, 
	enable_languages VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	language_method VARCHAR(20) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	enable_auto_reports VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	allow_ip_lists VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	system_ip_blacklist VARCHAR(30) COLLATE "NOCASE" DEFAULT '', 
	two_factor_auth_hours INTEGER DEFAULT '0', 
	two_factor_container VARCHAR(40) COLLATE "NOCASE" DEFAULT '---DISABLED---', 
	allow_web_debug VARCHAR(1) COLLATE "NOCASE" DEFAULT '0'
);
INSERT INTO "system_settings" VALUES('version 1','1','1',41,'1','1','pass_key 1',41,'2026-03-01 05:06:07','1','language_method 1','1','1','system_ip_blacklist 1',41,'two_factor_container 1','1');
CREATE TABLE vicidial_admin_log (
	admin_log_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	event_date DATETIME NOT NULL, 
	user VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	ip_address VARCHAR(15) COLLATE "NOCASE" NOT NULL, 
	event_section VARCHAR(30) COLLATE "NOCASE" NOT NULL, 
	event_type VARCHAR(8) COLLATE "NOCASE" DEFAULT 'OTHER', 
	record_id VARCHAR(50) COLLATE "NOCASE" NOT NULL, 
	event_code VARCHAR(255) COLLATE "NOCASE" NOT NULL, 
	event_sql TEXT, 
	event_notes TEXT, 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---'
);
INSERT INTO "vicidial_admin_log" VALUES(41,'2026-03-01 05:06:07','user 1','ip_address 1','event_section 1','t_type 1','record_id 1','event_code 1','event_sql 1','event_notes 1','user_group 1');
INSERT INTO "vicidial_admin_log" VALUES(42,'2026-03-02 05:06:07','user 2','ip_address 2','event_section 2','t_type 2','record_id 2','event_code 2','event_sql 2','event_notes 2','user_group 2');
CREATE TABLE vicidial_api_log (
	api_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	api_date DATETIME, 
	api_script VARCHAR(10) COLLATE "NOCASE", 
	function VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	agent_user VARCHAR(20) COLLATE "NOCASE", 
	value VARCHAR(255) COLLATE "NOCASE", 
	result VARCHAR(10) COLLATE "NOCASE", 
	result_reason VARCHAR(255) COLLATE "NOCASE", 
	source VARCHAR(20) COLLATE "NOCASE", 
	data TEXT, 
	run_time VARCHAR(20) COLLATE "NOCASE" DEFAULT '0', 
	webserver INTEGER DEFAULT '0', 
	api_url INTEGER DEFAULT '0'
);
INSERT INTO "vicidial_api_log" VALUES(41,'user 1','2026-03-01 05:06:07','i_script 1','function 1','agent_user 1','value 1','result 1','result_reason 1','source 1','data 1','run_time 1',41,41);
INSERT INTO "vicidial_api_log" VALUES(42,'user 2','2026-03-02 05:06:07','i_script 2','function 2','agent_user 2','value 2','result 2','result_reason 2','source 2','data 2','run_time 2',42,42);
CREATE TABLE vicidial_api_urls (
	api_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	api_date DATETIME, 
	remote_ip VARCHAR(50) COLLATE "NOCASE", 
	url TEXT
);
INSERT INTO "vicidial_api_urls" VALUES(41,'2026-03-01 05:06:07','remote_ip 1','url 1');
INSERT INTO "vicidial_api_urls" VALUES(42,'2026-03-02 05:06:07','remote_ip 2','url 2');
CREATE TABLE vicidial_call_menu (
	menu_id VARCHAR(50) COLLATE "NOCASE" NOT NULL, 
	menu_name VARCHAR(100) COLLATE "NOCASE", 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---', 
	PRIMARY KEY (menu_id)
);
INSERT INTO "vicidial_call_menu" VALUES('menu_id 1','menu_name 1','user_group 1');
INSERT INTO "vicidial_call_menu" VALUES('menu_id 2','menu_name 2','user_group 2');
CREATE TABLE vicidial_inbound_dids (
	did_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	did_pattern VARCHAR(50) COLLATE "NOCASE" NOT NULL, 
	did_description VARCHAR(50) COLLATE "NOCASE", 
	did_active VARCHAR(1) COLLATE "NOCASE" DEFAULT 'Y', 
	did_route VARCHAR(13) COLLATE "NOCASE" DEFAULT 'EXTEN', 
	extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '9998811112', 
	exten_context VARCHAR(50) COLLATE "NOCASE" DEFAULT 'default', 
	voicemail_ext VARCHAR(10) COLLATE "NOCASE", 
	phone VARCHAR(100) COLLATE "NOCASE", 
	server_ip VARCHAR(15) COLLATE "NOCASE", 
	user VARCHAR(20) COLLATE "NOCASE", 
	user_unavailable_action VARCHAR(13) COLLATE "NOCASE" DEFAULT 'VOICEMAIL', 
	user_route_settings_ingroup VARCHAR(20) COLLATE "NOCASE" DEFAULT 'AGENTDIRECT', 
	group_id VARCHAR(20) COLLATE "NOCASE", 
	call_handle_method VARCHAR(40) COLLATE "NOCASE" DEFAULT 'CID', 
	agent_search_method VARCHAR(2) COLLATE "NOCASE" DEFAULT 'LB', 
	list_id INTEGER DEFAULT '999', 
	campaign_id VARCHAR(8) COLLATE "NOCASE", 
	phone_code VARCHAR(10) COLLATE "NOCASE" DEFAULT '1', 
	menu_id VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	record_call VARCHAR(11) COLLATE "NOCASE" DEFAULT 'N', 
	filter_inbound_number VARCHAR(14) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	filter_phone_group_id TEXT, 
	filter_url VARCHAR(1000) COLLATE "NOCASE" DEFAULT '', 
	filter_action VARCHAR(13) COLLATE "NOCASE" DEFAULT 'EXTEN', 
	filter_extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '9998811112', 
	filter_exten_context VARCHAR(50) COLLATE "NOCASE" DEFAULT 'default', 
	filter_voicemail_ext VARCHAR(10) COLLATE "NOCASE", 
	filter_phone VARCHAR(100) COLLATE "NOCASE", 
	filter_server_ip VARCHAR(15) COLLATE "NOCASE", 
	filter_user VARCHAR(20) COLLATE "NOCASE", 
	filter_user_unavailable_action VARCHAR(13) COLLATE "NOCASE" DEFAULT 'VOICEMAIL', 
	filter_user_route_settings_ingroup VARCHAR(20) COLLATE "NOCASE" DEFAULT 'AGENTDIRECT', 
	filter_group_id VARCHAR(20) COLLATE "NOCASE", 
	filter_call_handle_method VARCHAR(40) COLLATE "NOCASE" DEFAULT 'CID', 
	filter_agent_search_method VARCHAR(2) COLLATE "NOCASE" DEFAULT 'LB', 
	filter_list_id INTEGER DEFAULT '999', 
	filter_campaign_id VARCHAR(8) COLLATE "NOCASE", 
	filter_phone_code VARCHAR(10) COLLATE "NOCASE" DEFAULT '1', 
	filter_menu_id VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	filter_clean_cid_number VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	custom_one VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_two VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_three VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_four VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_five VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---', 
	filter_dnc_campaign VARCHAR(8) COLLATE "NOCASE" DEFAULT '', 
	filter_url_did_redirect VARCHAR(1) COLLATE "NOCASE" DEFAULT 'N', 
	no_agent_ingroup_redirect VARCHAR(10) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	no_agent_ingroup_id VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	no_agent_ingroup_extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '9998811112', 
	pre_filter_phone_group_id TEXT, 
	pre_filter_extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	entry_list_id INTEGER DEFAULT '0', 
	filter_entry_list_id INTEGER DEFAULT '0', 
	max_queue_ingroup_calls INTEGER DEFAULT '0', 
	max_queue_ingroup_id VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	max_queue_ingroup_extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '9998811112', 
	did_carrier_description VARCHAR(255) COLLATE "NOCASE" DEFAULT '', 
	inbound_route_answer VARCHAR(1) COLLATE "NOCASE" DEFAULT 'Y', 
	pre_filter_recent_call VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	pre_filter_recent_extension VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	modify_stamp DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL
);
INSERT INTO "vicidial_inbound_dids" VALUES(1,'18001234567','Tutorial sales line','Y','EXTEN','8300','trunkinbound',NULL,NULL,NULL,NULL,'VOICEMAIL','AGENTDIRECT',NULL,'CID','LB',999,NULL,'1','','N','DISABLED',NULL,'','EXTEN','9998811112','default',NULL,NULL,NULL,NULL,'VOICEMAIL','AGENTDIRECT',NULL,'CID','LB',999,NULL,'1','','','','','','','','---ALL---','','N','DISABLED','','9998811112',NULL,'',0,0,0,'','9998811112','','Y','','','2026-03-04 05:06:07');
INSERT INTO "vicidial_inbound_dids" VALUES(41,'did_pattern 1','did_description 1','1','did_route 1','extension 1','exten_context 1','mail_ext 1','phone 1','server_ip 1','user 1','able_action 1','e_settings_ingroup 1','group_id 1','call_handle_method 1',' 1',41,'ign_id 1','one_code 1','menu_id 1','cord_call 1','bound_number 1','filter_phone_group_id 1','filter_url 1','lter_action 1','filter_extension 1','filter_exten_context 1','mail_ext 1','filter_phone 1','ter_server_ip 1','filter_user 1','able_action 1','e_settings_ingroup 1','filter_group_id 1','filter_call_handle_method 1',' 1',41,'ign_id 1','one_code 1','filter_menu_id 1','r_clean_cid_number 1','custom_one 1','custom_two 1','custom_three 1','custom_four 1','custom_five 1','user_group 1','mpaign 1','1','redirect 1','o_agent_ingroup_id 1','no_agent_ingroup_extension 1','pre_filter_phone_group_id 1','pre_filter_extension 1',41,41,41,'x_queue_ingroup_id 1','max_queue_ingroup_extension 1','did_carrier_description 1','1','filter_recent_call 1','pre_filter_recent_extension 1','2026-03-01 05:06:07');
INSERT INTO "vicidial_inbound_dids" VALUES(42,'did_pattern 2','did_description 2','2','did_route 2','extension 2','exten_context 2','mail_ext 2','phone 2','server_ip 2','user 2','able_action 2','e_settings_ingroup 2','group_id 2','call_handle_method 2',' 2',42,'ign_id 2','one_code 2','menu_id 2','cord_call 2','bound_number 2','filter_phone_group_id 2','filter_url 2','lter_action 2','filter_extension 2','filter_exten_context 2','mail_ext 2','filter_phone 2','ter_server_ip 2','filter_user 2','able_action 2','e_settings_ingroup 2','filter_group_id 2','filter_call_handle_method 2',' 2',42,'ign_id 2','one_code 2','filter_menu_id 2','r_clean_cid_number 2','custom_one 2','custom_two 2','custom_three 2','custom_four 2','custom_five 2','user_group 2','mpaign 2','2','redirect 2','o_agent_ingroup_id 2','no_agent_ingroup_extension 2','pre_filter_phone_group_id 2','pre_filter_extension 2',42,42,42,'x_queue_ingroup_id 2','max_queue_ingroup_extension 2','did_carrier_description 2','2','filter_recent_call 2','pre_filter_recent_extension 2','2026-03-02 05:06:07');
CREATE TABLE vicidial_inbound_groups (
	group_id VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	group_name VARCHAR(30) COLLATE "NOCASE", 
	active VARCHAR(1) COLLATE "NOCASE", 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---', 
	PRIMARY KEY (group_id)
);
INSERT INTO "vicidial_inbound_groups" VALUES('group_id 1','group_name 1','1','user_group 1');
INSERT INTO "vicidial_inbound_groups" VALUES('group_id 2','group_name 2','2','user_group 2');
CREATE TABLE vicidial_ip_list_entries (
	ip_list_id VARCHAR(30) COLLATE "NOCASE" NOT NULL, 
	ip_address VARCHAR(45) COLLATE "NOCASE" NOT NULL
);
INSERT INTO "vicidial_ip_list_entries" VALUES('ip_list_id 1','ip_address 1');
INSERT INTO "vicidial_ip_list_entries" VALUES('ip_list_id 2','ip_address 2');
CREATE TABLE vicidial_ip_lists (
	ip_list_id VARCHAR(30) COLLATE "NOCASE" NOT NULL, 
	ip_list_name VARCHAR(100) COLLATE "NOCASE", 
	active VARCHAR(1) COLLATE "NOCASE" DEFAULT 'N', 
	user_group VARCHAR(20) COLLATE "NOCASE" DEFAULT '---ALL---'
);
INSERT INTO "vicidial_ip_lists" VALUES('ip_list_id 1','ip_list_name 1','1','user_group 1');
INSERT INTO "vicidial_ip_lists" VALUES('ip_list_id 2','ip_list_name 2','2','user_group 2');
CREATE TABLE vicidial_two_factor_auth (
	auth_date DATETIME, 
	auth_exp_date DATETIME, 
	user VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	auth_stage VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	auth_code VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	auth_code_exp_date DATETIME, 
	auth_method VARCHAR(20) COLLATE "NOCASE" DEFAULT 'EMAIL', 
	auth_attempts INTEGER DEFAULT '0'
);
INSERT INTO "vicidial_two_factor_auth" VALUES('2026-03-01 05:06:07','2026-03-01 05:06:07','user 1','1','auth_code 1','2026-03-01 05:06:07','auth_method 1',41);
INSERT INTO "vicidial_two_factor_auth" VALUES('2026-03-02 05:06:07','2026-03-02 05:06:07','user 2','2','auth_code 2','2026-03-02 05:06:07','auth_method 2',42);
CREATE TABLE vicidial_urls (
	url_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	url VARCHAR(250) COLLATE "NOCASE" DEFAULT ''
);
INSERT INTO "vicidial_urls" VALUES(41,'url 1');
INSERT INTO "vicidial_urls" VALUES(42,'url 2');
CREATE TABLE vicidial_user_groups (
	user_group VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	group_name VARCHAR(40) COLLATE "NOCASE" NOT NULL, 
	admin_viewable_groups TEXT, 
	admin_ip_list VARCHAR(30) COLLATE "NOCASE" DEFAULT '', 
	agent_ip_list VARCHAR(30) COLLATE "NOCASE" DEFAULT '', 
	api_ip_list VARCHAR(30) COLLATE "NOCASE" DEFAULT '', 
	modify_stamp DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL
);
INSERT INTO "vicidial_user_groups" VALUES('ADMIN','Administrators',' ---ALL--- ','','','','2026-03-04 05:06:07');
INSERT INTO "vicidial_user_groups" VALUES('user_group 1','group_name 1','admin_viewable_groups 1','admin_ip_list 1','agent_ip_list 1','api_ip_list 1','2026-03-01 05:06:07');
INSERT INTO "vicidial_user_groups" VALUES('user_group 2','group_name 2','admin_viewable_groups 2','admin_ip_list 2','agent_ip_list 2','api_ip_list 2','2026-03-02 05:06:07');
CREATE TABLE vicidial_users (
	user_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user VARCHAR(20) COLLATE "NOCASE" NOT NULL, 
	pass VARCHAR(100) COLLATE "NOCASE" NOT NULL, 
	full_name VARCHAR(50) COLLATE "NOCASE", 
	user_level INTEGER DEFAULT '1', 
	user_group VARCHAR(20) COLLATE "NOCASE", 
	phone_login VARCHAR(20) COLLATE "NOCASE", 
	phone_pass VARCHAR(100) COLLATE "NOCASE", 
	delete_users VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_user_groups VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_lists VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_campaigns VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_ingroups VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_remote_agents VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	load_leads VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	campaign_detail VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	ast_admin_access VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	ast_delete_phones VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_scripts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_leads VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	hotkeys_active VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	change_agent_campaign VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agent_choose_ingroups VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	closer_campaigns TEXT, 
	scheduled_callbacks VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	agentonly_callbacks VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agentcall_manual VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	vicidial_recording VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	vicidial_transfers VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	delete_filters VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	alter_agent_interface_options VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	closer_default_blended VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_call_times VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_call_times VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_users VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_campaigns VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_lists VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_scripts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_filters VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_ingroups VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_usergroups VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_remoteagents VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_servers VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	view_reports VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	vicidial_recording_override VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	alter_custdata_override VARCHAR(11) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	qc_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	qc_user_level INTEGER DEFAULT '1', 
	qc_pass VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	qc_finish VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	qc_commit VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	add_timeclock_log VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_timeclock_log VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_timeclock_log VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	alter_custphone_override VARCHAR(11) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	vdc_agent_api_access VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_inbound_dids VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_inbound_dids VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	active VARCHAR(1) COLLATE "NOCASE" DEFAULT 'Y', 
	alert_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	download_lists VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agent_shift_enforcement_override VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	manager_shift_enforcement_override VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	shift_override_flag VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	export_reports VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	delete_from_dnc VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	email VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	user_code VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	territory VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	allow_alerts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agent_choose_territories VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	custom_one VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_two VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_three VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_four VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	custom_five VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	voicemail_id VARCHAR(10) COLLATE "NOCASE", 
	agent_call_log_view_override VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	callcard_admin VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agent_choose_blended VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	realtime_block_user_info VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	custom_fields_modify VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	force_change_password VARCHAR(1) COLLATE "NOCASE" DEFAULT 'N', 
	agent_lead_search_override VARCHAR(28) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	modify_shifts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_phones VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_carriers VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_labels VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_statuses VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_voicemail VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_audiostore VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_moh VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_tts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	preset_contact_search VARCHAR(10) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	modify_contacts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_same_user_level VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	admin_hide_lead_data VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	admin_hide_phone_data VARCHAR(8) COLLATE "NOCASE" DEFAULT '0', 
	agentcall_email VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_email_accounts VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	failed_login_count INTEGER DEFAULT '0', 
	last_login_date DATETIME DEFAULT '2001-01-01 00:00:01', 
	last_ip VARCHAR(15) COLLATE "NOCASE" DEFAULT '', 
	pass_hash VARCHAR(500) COLLATE "NOCASE" DEFAULT '', 
	alter_admin_interface_options VARCHAR(1) COLLATE "NOCASE" DEFAULT '1', 
	max_inbound_calls INTEGER DEFAULT '0', 
	modify_custom_dialplans VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	wrapup_seconds_override INTEGER DEFAULT '-1', 
	modify_languages VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	selected_language VARCHAR(100) COLLATE "NOCASE" DEFAULT 'default English', 
	user_choose_language VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	ignore_group_on_search VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	api_list_restrict VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	api_allowed_functions VARCHAR(1000) COLLATE "NOCASE" DEFAULT ' ALL_FUNCTIONS ', 
	lead_filter_id VARCHAR(20) COLLATE "NOCASE" DEFAULT 'NONE', 
	admin_cf_show_hidden VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	agentcall_chat VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	user_hide_realtime VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	access_recordings VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_colors VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	user_nickname VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	user_new_lead_limit INTEGER DEFAULT '-1', 
	api_only_user VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_auto_reports VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_ip_lists VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	ignore_ip_list VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	ready_max_logout INTEGER DEFAULT '-1', 
	export_gdpr_leads VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	pause_code_approval VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	max_hopper_calls INTEGER DEFAULT '0', 
	max_hopper_calls_hour INTEGER DEFAULT '0', 
	mute_recordings VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	hide_call_log_info VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	next_dial_my_callbacks VARCHAR(10) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	user_admin_redirect_url TEXT, 
	max_inbound_filter_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	max_inbound_filter_statuses TEXT, 
	max_inbound_filter_ingroups TEXT, 
	max_inbound_filter_min_sec INTEGER DEFAULT '-1', 
	status_group_id VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	mobile_number VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	two_factor_override VARCHAR(10) COLLATE "NOCASE" DEFAULT 'NOT_ACTIVE', 
	manual_dial_filter VARCHAR(50) COLLATE "NOCASE" DEFAULT 'DISABLED', 
	user_location VARCHAR(100) COLLATE "NOCASE" DEFAULT '', 
	download_invalid_files VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	user_group_two VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	failed_login_attempts_today INTEGER DEFAULT '0', 
	failed_login_count_today INTEGER DEFAULT '0', 
	failed_last_ip_today VARCHAR(50) COLLATE "NOCASE" DEFAULT '', 
	failed_last_type_today VARCHAR(20) COLLATE "NOCASE" DEFAULT '', 
	modify_dial_prefix VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	inbound_credits INTEGER DEFAULT '-1', 
	hci_enabled VARCHAR(1) COLLATE "NOCASE" DEFAULT '0', 
	modify_stamp DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	manual_dial_lead_id VARCHAR(8) COLLATE "NOCASE" DEFAULT 'DISABLED'
);
INSERT INTO "vicidial_users" VALUES(1,'admin','','Administrator',9,'ADMIN',NULL,NULL,'0','0','0','0','0','0','0','0','0','0','0','0','0','0','1',NULL,'1','0','0','1','1','0','0','0','0','0','0','0','0','0','0','0','0','0','0','1','DISABLED','NOT_ACTIVE','0',1,'0','0','0','0','0','0','NOT_ACTIVE','1','1','1','Y','0','0','DISABLED','0','0','0','0','','','','0','1','','','','','',NULL,'DISABLED','0','1','0','0','N','NOT_ACTIVE','0','0','0','0','0','0','0','0','0','NOT_ACTIVE','0','1','0','0','0','0',0,'2001-01-01 00:00:01','','$argon2id$v=19$m=19456,t=2,p=1$RHzYFq9rou5iVS+vLG+sHg$rVVY718okOWLmRdKLZ1rVgh/A5hG7KqUlB5z3Dn2EB4','1',0,'0',-1,'0','default English','0','0','0',' ALL_FUNCTIONS ','NONE','0','0','0','0','0','',-1,'0','0','0','0',-1,'0','0',0,0,'DISABLED','DISABLED','NOT_ACTIVE',NULL,'0',NULL,NULL,-1,'','','NOT_ACTIVE','DISABLED','','0','',0,0,'','','0',-1,'0','2026-03-04 05:06:07','DISABLED');
INSERT INTO "vicidial_users" VALUES(41,'user 1','pass 1','full_name 1',41,'user_group 1','phone_login 1','phone_pass 1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','closer_campaigns 1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','1','erride 1','_override 1','1',41,'1','1','1','1','1','1','_override 1','1','1','1','1','1','1','erride 1','1','1','1','1','email 1','user_code 1','territory 1','1','1','custom_one 1','custom_two 1','custom_three 1','custom_four 1','custom_five 1','email_id 1','erride 1','1','1','1','1','1','agent_lead_search_override 1','1','1','1','1','1','1','1','1','1','t_search 1','1','1','1','e_data 1','1','1',41,'2026-03-01 05:06:07','last_ip 1','pass_hash 1','1',41,'1',41,'1','selected_language 1','1','1','1','api_allowed_functions 1','lead_filter_id 1','1','1','1','1','1','user_nickname 1',41,'1','1','1','1',41,'1','1',41,41,'rdings 1','g_info 1','allbacks 1','user_admin_redirect_url 1','1','max_inbound_filter_statuses 1','max_inbound_filter_ingroups 1',41,'status_group_id 1','mobile_number 1','override 1','manual_dial_filter 1','user_location 1','1','user_group_two 1',41,41,'failed_last_ip_today 1','ed_last_type_today 1','1',41,'1','2026-03-01 05:06:07','ead_id 1');
INSERT INTO "vicidial_users" VALUES(42,'user 2','pass 2','full_name 2',42,'user_group 2','phone_login 2','phone_pass 2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','closer_campaigns 2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','2','erride 2','_override 2','2',42,'2','2','2','2','2','2','_override 2','2','2','2','2','2','2','erride 2','2','2','2','2','email 2','user_code 2','territory 2','2','2','custom_one 2','custom_two 2','custom_three 2','custom_four 2','custom_five 2','email_id 2','erride 2','2','2','2','2','2','agent_lead_search_override 2','2','2','2','2','2','2','2','2','2','t_search 2','2','2','2','e_data 2','2','2',42,'2026-03-02 05:06:07','last_ip 2','pass_hash 2','2',42,'2',42,'2','selected_language 2','2','2','2','api_allowed_functions 2','lead_filter_id 2','2','2','2','2','2','user_nickname 2',42,'2','2','2','2',42,'2','2',42,42,'rdings 2','g_info 2','allbacks 2','user_admin_redirect_url 2','2','max_inbound_filter_statuses 2','max_inbound_filter_ingroups 2',42,'status_group_id 2','mobile_number 2','override 2','manual_dial_filter 2','user_location 2','2','user_group_two 2',42,42,'failed_last_ip_today 2','ed_last_type_today 2','2',42,'2','2026-03-02 05:06:07','ead_id 2');
CREATE TABLE vicidial_webservers (
	webserver_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	webserver VARCHAR(125) COLLATE "NOCASE" DEFAULT '', 
	hostname VARCHAR(125) COLLATE "NOCASE" DEFAULT ''
);
INSERT INTO "vicidial_webservers" VALUES(41,'webserver 1','hostname 1');
INSERT INTO "vicidial_webservers" VALUES(42,'webserver 2','hostname 2');
CREATE UNIQUE INDEX vicidial_inbound_dids_did_pattern ON vicidial_inbound_dids (did_pattern);
CREATE INDEX vicidial_inbound_dids_group_id ON vicidial_inbound_dids (group_id);
CREATE UNIQUE INDEX vicidial_users_user ON vicidial_users (user);
CREATE UNIQUE INDEX servers_server_id ON servers (server_id);
CREATE UNIQUE INDEX vicidial_ip_lists_ip_list_id ON vicidial_ip_lists (ip_list_id);
CREATE INDEX vicidial_ip_list_entries_ip_list_id ON vicidial_ip_list_entries (ip_list_id);
CREATE INDEX vicidial_ip_list_entries_ip_address ON vicidial_ip_list_entries (ip_address);
CREATE INDEX vicidial_two_factor_auth_auth_exp_date ON vicidial_two_factor_auth (auth_exp_date);
CREATE INDEX vicidial_two_factor_auth_user ON vicidial_two_factor_auth (user);
CREATE INDEX vicidial_two_factor_auth_auth_date ON vicidial_two_factor_auth (auth_date);
CREATE INDEX vicidial_api_log_api_date ON vicidial_api_log (api_date);
CREATE UNIQUE INDEX vicidial_urls_url ON vicidial_urls (url);
CREATE UNIQUE INDEX vicidial_webservers_webserver_hostname ON vicidial_webservers (webserver, hostname);
CREATE INDEX vicidial_admin_log_record_id ON vicidial_admin_log (record_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('vicidial_users',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_inbound_dids',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_api_log',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_api_urls',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_urls',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_webservers',43);
INSERT INTO "sqlite_sequence" VALUES('vicidial_admin_log',43);
INSERT INTO "sqlite_sequence" VALUES('didier_batches',43);
COMMIT;
