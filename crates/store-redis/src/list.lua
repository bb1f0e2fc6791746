-- Reads a page of keys by the index of one bucket, or of several on one server.
--
-- KEYS  1 the set of the first bucket
-- ARGV  1 the prefix of all names; 2 the set: 'keys', 'due' or 'attention'
--       3 the first bucket; 4 the last
--       5 the id and 6 the score after which the page begins in the first bucket, or ''
--       7 the score at which it ends, or ''; 8 the limit
--
-- Returns the bucket to continue in, or -1; the id and the score to continue after; the keys.

local prefix, which = ARGV[1], ARGV[2]
local id, score = ARGV[5], ARGV[6]
local limit = tonumber(ARGV[8])
local found = {}
-- Expired ids are removed on the way, but only a bounded number, since a script blocks the server.
local left = limit + 1000

local function forget(base, old)
    for _, set in ipairs({ 'keys', 'due', 'attention', 'expiring' }) do
        redis.call('ZREM', base .. set, old)
    end
end

-- Returns how many ids with the same score come at or before the id.
local function passed(set)
    local rank = redis.call('ZRANK', set, id)
    if rank and redis.call('ZSCORE', set, id) == score then
        return rank + 1 - redis.call('ZCOUNT', set, '-inf', '(' .. score)
    end
    local count = 0
    for _, tied in ipairs(redis.call('ZRANGEBYSCORE', set, score, score)) do
        if tied > id then
            break
        end
        count = count + 1
    end
    return count
end

local function following(set, count)
    if which ~= 'due' then
        local from = id == '' and '-' or '(' .. id
        return redis.call('ZRANGEBYLEX', set, from, '+', 'LIMIT', 0, count)
    end
    local from, skip = '-inf', 0
    if id ~= '' then
        from, skip = score, passed(set)
    end
    return redis.call('ZRANGEBYSCORE', set, from, '(' .. ARGV[7], 'LIMIT', skip, count)
end

for bucket = tonumber(ARGV[3]), tonumber(ARGV[4]) do
    local base = prefix .. '{' .. bucket .. '}:'
    local set = base .. which
    repeat
        local wanted = limit - #found
        local items = following(set, wanted)
        for _, item in ipairs(items) do
            id = item
            if which == 'due' then
                score = redis.call('ZSCORE', set, id)
            end
            local length = redis.pcall('GETRANGE', base .. id, 34, 35)
            if type(length) == 'table' then
                -- It is moving to another node of the cluster.
                return redis.error_reply('TRYAGAIN ' .. length.err)
            elseif length == '' then
                forget(base, id)
            else
                local high, low = string.byte(length, 1, 2)
                found[#found + 1] = redis.call('GETRANGE', base .. id, 36, 35 + high * 256 + low)
            end
        end
        left = left - #items
        if #found >= limit or left <= 0 then
            return { bucket, id, score, found }
        end
    until #items < wanted
    id, score = '', ''
end
return { -1, '', '', found }
